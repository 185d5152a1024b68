"""The folder of a run: what a training continues there and removes."""

import json
import shutil

import numpy as np
import pytest

from vqa_keras.errors import UserError
from vqa_keras.runs import checked_json
from vqa_keras.runs.finite import NotFinite
from vqa_keras.runs.run_folder import earlier_epochs
from vqa_keras.runs.run_folder import is_finished
from vqa_keras.runs.run_folder import set_not_finite
from vqa_keras.runs.saved_epochs import Saved
from vqa_keras.runs.saved_epochs import SavedEpochs


def same(epochs, learning_rate=0.1, seeds=None):
    training = {"epochs": epochs, "learning_rate": learning_rate}
    return {
        "entry": "tiny",
        "seeds": seeds,
        "recipe": {"training": training},
        "records": {"train": ["00"]},
    }


def save(output, *epochs):
    """Writes checkpoints whose weights are some bytes."""
    files = SavedEpochs(output / "training" / "checkpoints")
    for epoch in epochs:
        saved = Saved([{"loss": 1.0}] * epoch, [np.zeros(2, "uint32")], epoch)
        files.write(saved, lambda path: path.write_bytes(b"weights"), 1000)


@pytest.fixture
def output(tmp_path):
    """A finished run of four epochs."""
    output = tmp_path / "run"
    assert not is_finished(output, same(4), resume=True)
    save(output, 4)
    (output / "results.json").write_text("{}")
    return output


@pytest.fixture
def diverged(tmp_path):
    """A run that diverged in epoch 3 of 9."""
    output = tmp_path / "diverged"
    assert not is_finished(output, same(9), resume=True)
    save(output, 2)
    set_not_finite(output, NotFinite(3, "loss nan"))
    return output


def settings(output):
    return output / "training" / "settings.json"


def test_every_flipped_bit_of_the_settings_is_refused(output):
    path = settings(output)
    whole = path.read_bytes()
    for bit in range(8 * len(whole)):
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
        for epochs in (4, 5):
            with pytest.raises(UserError, match="must be the settings of this"):
                is_finished(output, same(epochs), resume=True)
    path.write_bytes(whole)
    assert is_finished(output, same(4), resume=True)


def test_settings_of_version_0_1_which_state_no_hash_are_read(output):
    values = json.loads(settings(output).read_text())
    del values["sha256"]
    settings(output).write_text(json.dumps(values, indent=1))
    assert is_finished(output, same(4), resume=True)
    with pytest.raises(UserError, match="same recipe.*learning_rate: 0.1"):
        is_finished(output, same(4, learning_rate=0.2), resume=True)


@pytest.mark.parametrize("name", ["epoch_4.json", "epoch_4.weights.h5"])
def test_results_stay_if_no_checkpoint_can_get_more_epochs(output, name):
    path = output / "training" / "checkpoints" / name
    before = settings(output).read_bytes()
    for data in (b"damaged", None):
        path.write_bytes(data) if data else path.unlink()
        with pytest.raises(UserError, match=r"--noresume trains anew"):
            is_finished(output, same(5), resume=True)
        assert (output / "results.json").exists()
        assert settings(output).read_bytes() == before


def test_a_run_without_checkpoints_gets_no_more_epochs(output):
    shutil.rmtree(output / "training" / "checkpoints")
    with pytest.raises(UserError, match="must hold epoch 4. Received: no epo"):
        is_finished(output, same(5), resume=True)
    assert is_finished(output, same(4), resume=True)


def test_an_ensemble_gets_more_epochs_only_from_whole_runs(tmp_path):
    of_seeds = {"seeds": [0, 1]}
    assert not is_finished(tmp_path, same(4, **of_seeds), resume=True)
    (tmp_path / "results.json").write_text("{}")
    for seed in (0, 1):
        save(tmp_path / f"seed_{seed}", 4)
    damaged = tmp_path / "seed_1" / "training" / "checkpoints" / "epoch_4.json"
    whole = damaged.read_bytes()
    damaged.write_bytes(b"")
    with pytest.raises(UserError, match="seed_1.*epoch_4.json must be"):
        is_finished(tmp_path, same(5, **of_seeds), resume=True)
    assert (tmp_path / "results.json").exists()
    damaged.write_bytes(whole)
    assert not is_finished(tmp_path, same(5, **of_seeds), resume=True)


def test_a_training_that_diverged_says_so_again(diverged):
    for epochs in (9, 10, 3, 1):
        with pytest.raises(NotFinite, match="loss nan in epoch 3") as error:
            is_finished(diverged, same(epochs), resume=True)
        assert "--epochs=2 ends the training there" in str(error.value)
    with pytest.raises(UserError, match="same recipe.* Received: 0.01"):
        is_finished(diverged, same(9, learning_rate=0.01), resume=True)


def test_a_training_that_diverged_ends_at_its_last_finite_epoch(
    diverged, capsys
):
    assert not is_finished(diverged, same(2), resume=True)
    assert capsys.readouterr().out.startswith("ends         ")
    assert earlier_epochs(diverged) == [9]
    assert not is_finished(diverged, same(2), resume=True)  # as after a kill
    assert earlier_epochs(diverged) == [9]
    (diverged / "results.json").write_text("{}")
    assert is_finished(diverged, same(2), resume=True)
    with pytest.raises(NotFinite, match="loss nan in epoch 3"):
        is_finished(diverged, same(9), resume=True)
    assert (diverged / "results.json").exists()


def test_the_finite_epoch_must_be_there(diverged):
    for path in (diverged / "training" / "checkpoints").iterdir():
        path.unlink()
    save(diverged, 1)
    with pytest.raises(UserError, match="must hold epoch 2. Received: epoch 1"):
        is_finished(diverged, same(2), resume=True)


def test_noresume_trains_one_that_diverged_anew(diverged):
    assert not is_finished(diverged, same(9), resume=False)
    assert not list((diverged / "training" / "checkpoints").iterdir())
    assert not is_finished(diverged, same(9), resume=True)
    assert earlier_epochs(diverged) == []


def test_noresume_removes_the_files_of_a_training_alone(output):
    checkpoints = output / "training" / "checkpoints"
    mine = [output / "notes.txt", output / "training" / "notes.txt"]
    mine += [checkpoints / "notes.txt", checkpoints / "folder" / "epoch_1.json"]
    mine[-1].parent.mkdir()
    outside = output.parent / "outside"
    for path in [*mine, outside]:
        path.write_text("mine")
    (checkpoints / "epoch_8.weights.h5").symlink_to(outside)
    (output / "results.json").unlink()
    (output / "results.json").symlink_to(outside)
    assert not is_finished(output, same(4), resume=False)
    assert {path.read_text() for path in [*mine, outside]} == {"mine"}
    names = {path.name for path in checkpoints.iterdir()}
    assert names == {"notes.txt", "folder"}
    assert not (output / "results.json").is_symlink()


@pytest.mark.parametrize("name", ["", "training", "training/checkpoints"])
def test_noresume_does_not_follow_a_link_to_a_folder(output, name):
    linked = output / name
    elsewhere = output.parent / "elsewhere"
    linked.rename(elsewhere)
    linked.symlink_to(elsewhere)
    before = sorted(elsewhere.rglob("*"))
    with pytest.raises(UserError, match="--noresume must .*a link to .*where"):
        is_finished(output, same(4), resume=False)
    assert sorted(elsewhere.rglob("*")) == before
    assert (output / "results.json").exists()
    assert is_finished(output, same(4), resume=True)


@pytest.mark.parametrize("resume", [True, False])
def test_checkpoints_of_another_program_are_not_removed(tmp_path, resume):
    save(tmp_path, 1)
    with pytest.raises(UserError, match="which holds training/checkpoints/ep"):
        is_finished(tmp_path, same(4), resume)
    assert len(list((tmp_path / "training" / "checkpoints").iterdir())) == 2


def test_numbers_come_back_equal_from_a_file_with_its_hash(tmp_path):
    values = {"a": [0.1 + 0.2, 1e-5, 3, None, True], "b": {"text": "\u00e9"}}
    checked_json.write(tmp_path / "values.json", values)
    assert checked_json.read(tmp_path / "values.json") == values
