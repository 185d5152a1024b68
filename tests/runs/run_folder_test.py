"""The folder of a run: which settings continue it and which are refused."""

import json

import pytest

from vqa_keras.errors import UserError
from vqa_keras.files import write_json
from vqa_keras.runs.results import RESULTS
from vqa_keras.runs.run_folder import prepare


def settings(epochs=4, patience=None, **changes):
    training = {"epochs": epochs, "seed": 0}
    return {"recipe": {"training": training}, "patience": patience, **changes}


def finish(folder):
    (folder / "training" / "checkpoints").mkdir(parents=True, exist_ok=True)
    (folder / "training" / "checkpoints" / "epoch_4.json").touch()
    write_json(folder / RESULTS, {})


@pytest.fixture
def finished(tmp_path):
    """A run of 4 epochs."""
    folder = tmp_path / "run"
    assert prepare(folder, settings()) == (False, [])
    assert prepare(folder, settings()) == (False, [])
    finish(folder)
    return folder


def test_the_same_settings_find_a_finished_run(finished):
    assert prepare(finished, settings()) == (True, [])


def test_more_epochs_continue_a_run_and_are_remembered(finished):
    assert prepare(finished, settings(6)) == (False, [4])
    assert not (finished / RESULTS).exists()
    assert list((finished / "training" / "checkpoints").iterdir())
    assert prepare(finished, settings(6)) == (False, [4])
    finish(finished)
    assert prepare(finished, settings(6)) == (True, [4])
    assert prepare(finished, settings(9)) == (False, [4, 6])


def test_a_kill_before_the_new_settings_are_written_loses_nothing(
    finished, monkeypatch
):
    def kill(path, values):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("vqa_keras.runs.run_folder.write_json", kill)
        with pytest.raises(KeyboardInterrupt):
            prepare(finished, settings(6))
    assert prepare(finished, settings(6)) == (False, [4])


def test_more_patience_continues_a_run(tmp_path):
    prepare(tmp_path, settings(patience=2))
    finish(tmp_path)
    assert prepare(tmp_path, settings(patience=3)) == (False, [])
    finish(tmp_path)
    assert prepare(tmp_path, settings(6, patience=4)) == (False, [4])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (settings(3), "same recipe.* training: epochs: 4. Received: 3"),
        (settings(patience=2), "same patience.* Found: None. Received: 2"),
        (settings(6, seeds=[0]), r"same seeds.* Found: None. Received: \[0\]"),
        (
            {**settings(6), "recipe": {"model": "A"}},
            "same recipe.* model: None",
        ),
    ],
)
def test_other_settings_are_refused_and_change_nothing(
    finished, changed, message
):
    text = (finished / "training" / "settings.json").read_text()
    with pytest.raises(UserError, match=message):
        prepare(finished, changed)
    assert (finished / "training" / "settings.json").read_text() == text
    assert prepare(finished, settings()) == (True, [])


def test_less_or_no_patience_is_refused(tmp_path):
    prepare(tmp_path, settings(patience=2))
    for patience in (1, None):
        with pytest.raises(UserError, match="same patience.* Found: 2"):
            prepare(tmp_path, settings(6, patience=patience))


def test_without_resume_a_run_starts_anew(finished):
    prepare(finished, settings(6))
    assert prepare(finished, settings(2), resume=False) == (False, [])
    assert not list((finished / "training" / "checkpoints").iterdir())
    assert prepare(finished, settings(2)) == (False, [])


def test_a_file_and_a_folder_of_other_files_are_refused(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(UserError, match="Received: .* holds thesis.tex"):
        prepare(tmp_path, settings())
    with pytest.raises(UserError, match="must be a folder. Received: a file"):
        prepare(tmp_path / "thesis.tex", settings())


def test_settings_of_a_version_without_patience_are_continued(finished):
    path = finished / "training" / "settings.json"
    found = json.loads(path.read_text())
    del found["patience"]
    write_json(path, found)
    assert prepare(finished, settings()) == (True, [])
