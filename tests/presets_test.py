"""Shipped presets are found by name, complete, small, and as trained."""

import json
import pathlib
import re
import socket

import numpy as np
import pytest
from PIL import Image

from vqa_keras import image_encoders
from vqa_keras import preset_files
from vqa_keras import presets
from vqa_keras.errors import UserError
from vqa_keras.models import VQA
from vqa_keras.runs.run import load_run

ROOT = pathlib.Path(__file__).parents[1]
# A question about each preset's example image, and its answer.
ASKED = {"stacked_easy_vqa": ("what color is the shape?", "blue")}
NAMES = sorted(presets.SHIPPED)


@pytest.fixture(scope="module", params=NAMES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def folder(name):
    return pathlib.Path(presets.find(name))


@pytest.fixture(scope="module")
def results(folder):
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def task(name):
    """The task, loaded where there is no network."""

    def refuse(*_, **__):
        raise AssertionError("the network was used")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        return VQA.from_preset(name)


def test_every_shipped_preset_has_a_question():
    assert ASKED.keys() == presets.SHIPPED.keys()


def test_its_example_question_is_answered_correctly(task, name):
    question, right = ASKED[name]
    answer = task.ask(presets.example_image(name), question)
    assert answer.answers[0] == right
    assert answer.probabilities[0] > 0.9


def test_the_largest_weight_is_on_the_object(task, name):
    """On the pixels of the example that are not its background."""
    image = presets.example_image(name)
    pixels = np.asarray(Image.open(image).convert("RGB")).astype(int)
    drawn = np.abs(pixels - pixels[0, 0]).max(-1) > 64
    for weights in task.ask(image, ASKED[name][0]).attention.values():
        h, w = weights.shape
        cells = drawn.reshape(h, len(drawn) // h, w, -1).any((1, 3))
        assert cells[np.unravel_index(weights.argmax(), weights.shape)]
        assert weights[cells].sum() > 0.5 > cells.mean()


def test_its_cnn_is_the_one_that_it_was_trained_with(task, results):
    encoder = task.backbone.image_encoder
    assert image_encoders.weights_sha256(encoder) == results["weights_sha256"]
    assert not encoder.trainable_weights
    assert task.count_params() == results["parameters"]


def test_its_files_are_those_that_were_written(folder, results):
    assert preset_files.describe(folder) == results["files"]
    assert preset_files.check(folder) == results


def test_it_is_below_a_megabyte(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 1_000_000


def test_its_weights_are_those_of_the_model_without_cnn_and_optimizer(folder):
    h5py = pytest.importorskip("h5py")
    sizes = []
    for path in folder.glob("*.weights.h5"):
        with h5py.File(path) as file:
            file.visititems(
                lambda name, item: sizes.append(
                    (name, getattr(item, "size", 0))
                )
            )
    assert not [name for name, _ in sizes if "optimizer" in name]
    bare = VQA.from_preset(folder).without_image_encoder()
    assert sum(size for _, size in sizes) == bare.count_params()


def test_its_results_name_no_machine(folder, results):
    text = (folder / "results.json").read_text(encoding="utf-8")
    assert not re.search(r"[\"=\s](/|~|[A-Z]:\\)", text)
    assert results["command"].startswith("python -m vqa_keras.zoo.train")
    assert re.fullmatch("[0-9a-f]{12}", results["commit"])


def test_its_accuracy_in_the_readme_is_the_measured_one(name, results):
    text = (ROOT / "README.md").read_text(encoding="utf-8").replace("\n", " ")
    accuracy = results["accuracy"]["overall"]
    assert f"`{name}` answers {accuracy:.2f} % of the" in text
    assert f"{results['questions']:,} test questions" in text


def test_it_is_read_as_a_run(name, results):
    task, found = load_run(name)
    assert found.to_json() == results
    assert task.backbone.image_encoder is not None


def test_a_new_head_keeps_the_cnn(name):
    task = VQA.from_preset(name, answers=["cat", "dog"])
    answer = task.ask(presets.example_image(name), "what is it?")
    assert sorted(answer.answers) == ["cat", "dog"]


@pytest.mark.parametrize("load", [VQA.from_preset, load_run])
def test_a_typo_suggests_the_closest_name(load):
    with pytest.raises(UserError, match="did you mean stacked_easy_vqa[?]$"):
        load("stacked_easyvqa")


def test_an_unknown_name_lists_the_shipped_ones():
    with pytest.raises(UserError, match="shipped preset .stacked_easy_vqa.*zz"):
        presets.find("zzzz")


def test_a_name_comes_before_a_folder_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stacked_easy_vqa").mkdir()
    assert presets.find("stacked_easy_vqa") != "stacked_easy_vqa"
    assert presets.find("./stacked_easy_vqa") == "./stacked_easy_vqa"


@pytest.mark.parametrize(
    "preset", ["hf://user/model", "resnet_50_imagenet", "."]
)
def test_handles_and_folders_stay_as_they_are(preset):
    assert presets.find(preset) == preset


def test_another_cnn_of_that_name_is_refused(name, monkeypatch):
    other = image_encoders.GridCNNBackbone((96,), (8,), (8,), (64, 64, 3))
    monkeypatch.setattr(image_encoders, "load", lambda _: other)
    with pytest.raises(UserError, match="grid_cnn must have the weights"):
        VQA.from_preset(name)
