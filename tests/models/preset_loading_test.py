"""Nothing of a loaded preset is random, cut off or not a number."""

import json
import shutil

import h5py
import numpy as np
import pytest

from vqa_keras import models
from vqa_keras import preset_files
from vqa_keras.errors import UserError
from vqa_keras.models import VQA


@pytest.fixture
def folder(make_task, tmp_path):
    """A preset without results.json."""
    make_task().save_to_preset(tmp_path / "preset")
    return tmp_path / "preset"


def refusal(folder, **arguments):
    with pytest.raises(UserError) as refused:
        VQA.from_preset(folder, **arguments)
    assert "\n" not in str(refused.value)
    assert str(folder) in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("name", ["task.json", "task.weights.h5"])
def test_a_preset_without_its_head_is_refused(folder, name):
    (folder / name).unlink()
    assert f"must have {name}, " in refusal(folder)
    assert "`num_classes` or `answers` gives a new head" in refusal(folder)


@pytest.mark.parametrize("name", ["task.json", "task.weights.h5"])
@pytest.mark.parametrize("head", [{"num_classes": 4}, {"answers": ["a", "b"]}])
def test_a_new_head_does_not_need_the_older_one(folder, name, head):
    before = VQA.from_preset(folder)
    (folder / name).unlink()
    task = VQA.from_preset(folder, **head)
    assert task.num_classes in (2, 4)
    for old, new in zip(
        before.backbone.get_weights(), task.backbone.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(old, new)


def test_an_ensemble_has_no_head_of_its_own(make_task, tmp_path):
    task = models.ensemble([make_task(), make_task()])
    task.save_to_preset(tmp_path)
    assert not (tmp_path / "task.weights.h5").exists()
    assert VQA.from_preset(tmp_path).num_classes == 3
    with h5py.File(tmp_path / "model.weights.h5", "a") as file:
        del file["layers/__mean_of_members/members"]
    assert "must hold the whole preset of a task" in refusal(tmp_path)


def test_weights_that_lack_a_variable_are_refused(make_task, folder):
    """Each dataset of the two files is deleted in turn; NaN shows a gap."""
    task = make_task()
    head = [layer for layer in task.layers if layer.name.endswith("_dense")]
    of_head = [weight for layer in head for weight in layer.weights]
    loads = {
        "model.weights.h5": (task.backbone.load_weights, task.backbone.weights),
        "task.weights.h5": (task.load_task_weights, of_head),
    }
    for name, (load, weights) in loads.items():
        whole, refused = (folder / name).read_bytes(), 0
        for part in _datasets(folder / name):
            _replace(folder / name, whole)
            with h5py.File(folder / name, "a") as file:
                del file[part]
            for weight in weights:
                weight.assign(np.full(weight.shape, np.nan))
            try:
                load(str(folder / name))
            except (ValueError, UserWarning):  # `reading` raises both
                refused += 1
            else:
                finite = [np.isfinite(w).all() for w in weights]
                assert all(finite), part
        assert refused > 3
        _replace(folder / name, whole)
        with h5py.File(folder / name, "a") as file:
            for part in list(file):
                del file[part]
        assert "must hold the whole preset of a task" in refusal(folder)
        _replace(folder / name, whole)
        task.backbone.load_weights(str(folder / "model.weights.h5"))


def _replace(path, content):
    path.unlink()  # a failed load of Keras leaves the old one open
    path.write_bytes(content)


def _datasets(path):
    found = []
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: (
                found.append(name) if isinstance(item, h5py.Dataset) else None
            )
        )
    return found


@pytest.mark.parametrize(
    "name",
    [
        "config.json",
        "task.json",
        "metadata.json",
        "model.weights.h5",
        "task.weights.h5",
        "assets/tokenizer/vocabulary.txt",
    ],
)
@pytest.mark.parametrize("end", [0, 0.5])
def test_a_cut_file_is_refused_or_changes_nothing(make_task, folder, name, end):
    """Without results.json, as a copy that was broken off left it."""
    before = make_task().get_weights()
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(len(content) * end)])
    try:
        task = VQA.from_preset(folder)
    except UserError as error:
        assert str(folder) in str(error) and "\n" not in str(error)
        return
    for old, new in zip(before, task.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_tokenizer_of_other_size_than_the_embedding_is_refused(folder):
    path = folder / "assets" / "tokenizer" / "vocabulary.txt"
    path.write_text(path.read_text() + "more\n")
    assert "must have the 6 words of the model's embedding. Received: 7" in (
        refusal(folder)
    )


def test_other_answers_than_classes_are_refused(folder):
    path = folder / "task.json"
    config = json.loads(path.read_text())
    config["config"]["preprocessor"]["config"]["answers"].append("gray")
    path.write_text(json.dumps(config))
    assert "the number of the preprocessor's answers, 4. Received: 3" in (
        refusal(folder)
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("layer", ["answer_dense", "backbone"])
def test_weights_that_are_not_finite_are_refused(
    make_task, tmp_path, value, layer
):
    task = make_task()
    weight = getattr(task, layer).weights[-1]
    values = np.array(weight)
    values.flat[-1] = value
    weight.assign(values)
    task.save_to_preset(tmp_path)
    assert f"Received: {weight.path} with NaN or infinity" in refusal(tmp_path)
    VQA.from_preset(tmp_path, load_weights=False)


def test_a_flipped_bit_is_refused_where_results_name_the_files(folder):
    files = preset_files.describe(folder)
    preset_files.write_results(folder, {"files": files})
    VQA.from_preset(folder)
    models.VQAPreprocessor.from_preset(folder)
    path = folder / "model.weights.h5"
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)
    assert f"{path} must have the content" in refusal(folder)
    with pytest.raises(UserError, match="must have the content"):
        models.VQAPreprocessor.from_preset(folder)


def test_a_wrong_argument_keeps_its_own_error(folder):
    with pytest.raises(TypeError, match="num_clases"):
        VQA.from_preset(folder, num_clases=4)
    with pytest.raises(ValueError, match="`activation` must be one of"):
        VQA.from_preset(folder, activation="relu")


def test_a_file_is_saved_whole_or_not_at_all(make_task, tmp_path, monkeypatch):
    path = tmp_path / "task.keras"
    task = make_task()
    task.save(path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    monkeypatch.setattr("zipfile.ZipFile.writestr", full)
    with pytest.raises(UserError, match="must be in a writable folder"):
        task.save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["task.keras"]
