"""Raw images in lists: paths, and arrays of different sizes."""

import keras
import numpy as np
import PIL.Image
import pytest

from vqa_keras.image_encoders import raw_images


@pytest.fixture
def images(tmp_path):
    """Images of five sizes, in all forms that a list may hold."""
    rng = np.random.default_rng(0)
    sizes = [(8, 12), (4, 6), (30, 7), (5, 50), (9, 9)]
    arrays = [rng.integers(0, 256, (*size, 3), "uint8") for size in sizes]
    path = tmp_path / "image.png"
    PIL.Image.fromarray(arrays[2]).save(path)
    return [
        arrays[0],
        PIL.Image.fromarray(arrays[1]),
        str(path),
        arrays[3].astype("float32"),
        path.read_bytes(),
    ]


QUESTIONS = ["What color is it?", "what", "", "it", "zebra"]


def probabilities(task, raw, **arguments):
    logits = task.predict(raw, verbose=0, **arguments)
    return keras.ops.convert_to_numpy(task.probabilities(logits))


def test_lists_are_predicted_in_batches_as_ask_answers(
    make_task, encoder, images
):
    task = make_task(encoder)
    raw = {"images": images, "questions": QUESTIONS}
    expected = [
        task.ask(image, question).probabilities
        for image, question in zip(images, QUESTIONS, strict=True)
    ]
    asked = [answer.probabilities for answer in task.ask(images, QUESTIONS)]
    np.testing.assert_allclose(asked, expected, atol=1e-6)
    for batch_size in (None, 2, 5):
        found = probabilities(task, raw, batch_size=batch_size)
        best = -np.sort(-found, axis=1)
        np.testing.assert_allclose(best, expected, atol=1e-6)
    raw = {"images": tuple(images), "questions": np.array(QUESTIONS)}
    np.testing.assert_allclose(probabilities(task, raw), found, atol=1e-6)


def test_a_batch_has_the_size_that_is_given(make_task, encoder, images):
    task = make_task(encoder)
    steps = []
    task.predict(
        {"images": images, "questions": QUESTIONS},
        batch_size=2,
        verbose=0,
        callbacks=[Batches(steps)],
    )
    assert steps == [2, 2, 1]


class Batches(keras.callbacks.Callback):
    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def on_predict_batch_end(self, batch, logs=None):
        self.steps.append(len(logs["outputs"]))


def test_one_image_is_decoded_once_for_all_its_questions(
    make_task, encoder, images, monkeypatch
):
    calls = []

    def counted(image):
        calls.append(image)
        return decode(image)

    decode = raw_images.decode
    monkeypatch.setattr(raw_images, "decode", counted)
    task = make_task(encoder)
    raw = {"images": images[2:3], "questions": QUESTIONS}
    found = probabilities(task, raw)
    assert len(calls) == 1
    raw = {"images": images[2:3] * 5, "questions": QUESTIONS}
    np.testing.assert_allclose(probabilities(task, raw), found, atol=1e-6)
    task.ask(images[2], QUESTIONS)
    assert len(calls) == 3


@pytest.mark.slow
def test_lists_train_and_evaluate(make_task, encoder, images):
    task = make_task(encoder)
    targets = np.eye(3, dtype="float32")[[0, 1, 2, 0, 1]]
    raw = {"images": images, "questions": QUESTIONS}
    prepared = task.preprocessor.call(raw)
    expected = task.evaluate(prepared, targets, verbose=0)
    found = task.evaluate(raw, targets, batch_size=2, verbose=0)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    task.fit(raw, targets, batch_size=2, shuffle=False, verbose=0)
    assert task.evaluate(raw, targets, verbose=0)[0] != expected[0]


def test_what_is_wrong_with_a_list_is_named(make_task, encoder, images):
    task = make_task(encoder)
    with pytest.raises(ValueError, match="5 images and 2 questions"):
        task.predict({"images": images, "questions": QUESTIONS[:2]})
    scaled = [np.zeros((4, 4, 3), "float32")] * 2
    with pytest.raises(ValueError, match="0 to 255. Received: floats from"):
        task.predict({"images": scaled, "questions": QUESTIONS[:2]})
    with pytest.raises(FileNotFoundError, match="nope.png"):
        task.predict({"images": ["nope.png"], "questions": ["what"]})
    with pytest.raises(ValueError, match="must be region features"):
        make_task().predict({"images": images, "questions": QUESTIONS})
