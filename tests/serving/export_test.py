"""The SavedModel agrees with the task in a process with TensorFlow only."""

import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from vqa_keras import serving
from vqa_keras.errors import UserError
from vqa_keras.image_encoders import GridCNNBackbone
from vqa_keras.image_encoders.resize import resize
from vqa_keras.models import VQA
from vqa_keras.models import StackedBackbone
from vqa_keras.models import VQAPreprocessor
from vqa_keras.text import QuestionTokenizer
from vqa_keras.text import count_ngrams

WORDS = "[PAD] [UNK] is there a red blue shape what color".split()
QUESTIONS = ["What COLOR?", "is there a red shape", "", "\u00a0caf\u00e9 red!"]

CLIENT = """
import sys
import numpy as np
import tensorflow as tf

model = tf.saved_model.load(sys.argv[1])
given = np.load(sys.argv[2])
outputs = {}
for name in ("serving_default", "tokens"):
    signature = model.signatures[name]
    _, expected = signature.structured_input_signature
    found = signature(**{key: tf.constant(given[key]) for key in expected})
    outputs.update({f"{name}/{k}": v.numpy() for k, v in found.items()})
names = {module.split(".")[0] for module in sys.modules}
assert not names & {"keras_hub", "tensorflow_text", "vqa_keras"}, names
np.savez(sys.argv[3], **outputs)
"""


@pytest.fixture(params=["softmax", "sigmoid", "n-grams"])
def task(request):
    head = {"activation": request.param}
    if request.param == "n-grams":
        token_ids = QuestionTokenizer(WORDS, sequence_length=5)(QUESTIONS)
        head = {"ngrams": count_ngrams(token_ids, len(WORDS), min_count=1)}
    backbone = StackedBackbone(
        vocabulary_size=len(WORDS),
        embedding_dim=6,
        hidden_dim=8,
        attention_dim=8,
        image_encoder=GridCNNBackbone((6, 8), (2, 2), (2, 4), (16, 32, 3)),
    )
    preprocessor = VQAPreprocessor(
        QuestionTokenizer(WORDS, sequence_length=5),
        ["red", "bl\u00e1u", "yes", "no"],
        (16, 32),
    )
    task = VQA(
        backbone, num_classes=4, preprocessor=preprocessor, hidden_dim=8, **head
    )
    if task.ngram_dense is not None:
        kernel = task.ngram_dense.kernel
        kernel.assign(np.random.default_rng(0).normal(size=kernel.shape))
    return task


@pytest.fixture
def images():
    """Returns images of three sizes: the model's, smaller and larger."""
    random = np.random.default_rng(0)
    shapes = [(16, 32, 3), (9, 11, 3), (40, 70, 3), (16, 32, 3)]
    return [random.integers(0, 256, s, dtype="uint8") for s in shapes]


def content(image, path):
    Image.fromarray(image).save(path)
    return path.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("task", ["softmax", "n-grams"], indirect=True)
def test_plain_tensorflow_agrees_with_the_task(task, images, tmp_path):
    files = [content(image, tmp_path / "a.png") for image in images]
    resized = np.concatenate(
        [resize(image[None], task.preprocessor.image_size) for image in images]
    )
    grid = task.backbone.image_encoder.predict_on_batch(resized)
    given = {
        "images": np.array(files),
        "questions": np.array([q.encode() for q in QUESTIONS]),
        "regions": np.reshape(grid, (4, 2 * 4, 8)),
        "token_ids": task.preprocessor.tokenizer(QUESTIONS),
    }
    path = serving.export(task, tmp_path / "model", version=3, top_k=9)
    assert path == tmp_path / "model" / "3"
    np.savez(tmp_path / "given.npz", **given)
    done = subprocess.run(
        [sys.executable, "-c", CLIENT, path, "given.npz", "found.npz"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = np.load(tmp_path / "found.npz", allow_pickle=True)
    asked = zip(images, QUESTIONS, strict=True)
    for i, (image, question) in enumerate(asked):
        answer = task.ask(image, question, top_k=4)
        for signature in ("serving_default", "tokens"):
            names = found[f"{signature}/answers"][i]
            assert [name.decode() for name in names] == answer.answers
            np.testing.assert_allclose(
                found[f"{signature}/scores"][i],
                answer.probabilities,
                atol=1e-5,
            )
            for name, weights in answer.attention.items():
                assert weights.shape == (2, 4)
                np.testing.assert_allclose(
                    found[f"{signature}/{name}"][i], weights, atol=1e-5
                )


@pytest.mark.slow
@pytest.mark.parametrize("task", ["softmax"], indirect=True)
def test_bad_inputs_cost_their_row_or_say_what_must_be(task, images, tmp_path):
    path = serving.export(task, tmp_path / "model", max_megapixels=0.003)
    model = tf.saved_model.load(str(path))
    served = model.signatures["serving_default"]
    good = content(images[1], tmp_path / "a.png")
    large = content(np.zeros((60, 51, 3), "uint8"), tmp_path / "b.png")
    files = tf.constant([good, b"no image", good, large])
    questions = tf.constant(["is there a red shape"] * 4)
    outputs = {
        name: value.numpy()
        for name, value in served(images=files, questions=questions).items()
    }
    assert outputs["readable"].tolist() == [True, False, True, False]
    alone = served(images=files[:1], questions=questions[:1])
    for name, value in outputs.items():
        np.testing.assert_array_equal(value[0], value[2])
        empty = b"" if name == "answers" else 0
        assert (value[[1, 3]] == empty).all()
        if name != "answers":
            np.testing.assert_allclose(value[0], alone[name][0], atol=1e-5)
    assert (
        served(images=files[:0], questions=questions[:0])["scores"].shape[0]
        == 0
    )
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="one question per image"
    ):
        served(images=files, questions=questions[:3])
    regions = np.zeros((1, 8, 8), "float32")
    with pytest.raises(tf.errors.InvalidArgumentError, match="from 0 to 9"):
        model.signatures["tokens"](
            regions=tf.constant(regions),
            token_ids=tf.constant([[10]]),
        )


@pytest.mark.parametrize("task", ["softmax"], indirect=True)
@pytest.mark.parametrize("given", [0, -1, float("nan"), float("inf")])
def test_a_limit_of_no_pixels_is_refused(task, tmp_path, given):
    with pytest.raises(UserError, match="positive and finite. Received: "):
        serving.export(task, tmp_path, max_megapixels=given)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["sigmoid"], indirect=True)
def test_scores_follow_the_activation(task, images, tmp_path):
    path = serving.export(task, tmp_path, top_k=2)
    served = tf.saved_model.load(str(path)).signatures["serving_default"]
    outputs = served(
        images=tf.constant([content(images[1], tmp_path / "a.png")]),
        questions=tf.constant(["is there a red shape"]),
    )
    answer = task.ask(images[1], "is there a red shape", top_k=2)
    np.testing.assert_allclose(
        outputs["scores"][0], answer.probabilities, atol=1e-5
    )


@pytest.mark.parametrize("task", ["softmax"], indirect=True)
def test_an_existing_version_is_refused(task, tmp_path):
    (tmp_path / "1").mkdir()
    with pytest.raises(UserError, match="1 must be a new folder"):
        serving.export(task, tmp_path)
    assert not any((tmp_path / "1").iterdir())


@pytest.mark.parametrize("task", ["softmax"], indirect=True)
def test_a_task_without_a_cnn_is_refused(task, tmp_path):
    with pytest.raises(
        UserError, match="must have .* image encoder .* and None$"
    ):
        serving.export(task.without_image_encoder(), tmp_path)
    assert not any(tmp_path.iterdir())


class Disk:
    """Writes a part of an archive and then calls `happen`."""

    def __init__(self, happen):
        self.happen = happen

    def write_out(self, path, verbose):
        os.makedirs(path)
        pathlib.Path(path, "saved_model.pb").write_bytes(b"half")
        self.happen()


@pytest.fixture
def interrupt(monkeypatch):
    """Returns `interrupt(happen)`, which calls `happen` while writing."""
    module = sys.modules["vqa_keras.serving.export"]

    def interrupt(happen):
        monkeypatch.setattr(module, "_archive", lambda *_: Disk(happen))

    return interrupt


@pytest.mark.slow
@pytest.mark.parametrize("task", ["softmax"], indirect=True)
def test_a_killed_export_leaves_no_version(
    task, tmp_path, interrupt, monkeypatch
):
    interrupt(lambda: os.kill(os.getpid(), signal.SIGKILL))
    child = os.fork()
    if child == 0:
        serving.export(task, tmp_path)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    left = sorted(p.name for p in tmp_path.iterdir())
    assert left == [".1.lock", "unfinished-1"]
    monkeypatch.undo()
    serving.export(task, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["1"]


@pytest.mark.parametrize("task", ["softmax"], indirect=True)
def test_a_full_disk_leaves_nothing(task, tmp_path, interrupt):
    def full():
        raise OSError(28, "No space left on device")

    interrupt(full)
    with pytest.raises(UserError, match="No space left"):
        serving.export(task, tmp_path / "model")
    assert not any(tmp_path.iterdir())
