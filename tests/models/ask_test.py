"""How a task attends and answers: `attend`, `answerer` and `ask`."""

import concurrent.futures

import keras
import numpy as np
import PIL.Image
import pytest
from keras import ops


@pytest.mark.slow
def test_attend_gives_the_weights_of_every_hop(both):
    tf = pytest.importorskip("tensorflow")
    task, inputs = both
    attention = task.attend(inputs, batch_size=2)
    assert list(attention) == ["regions_1", "regions_2"]
    dataset = tf.data.Dataset.from_tensor_slices(inputs).batch(2)
    targets = tf.data.Dataset.from_tensor_slices(np.eye(3)).batch(2)
    for batches in (dataset, tf.data.Dataset.zip(dataset, targets)):
        again = task.attend(batches)
        for name, weights in attention.items():
            assert weights.shape == (3, 6)
            np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)
            np.testing.assert_allclose(again[name], weights, atol=1e-5)


@pytest.mark.slow
def test_attend_takes_batches_of_different_numbers_of_regions(
    make_task, records
):
    task = make_task()
    mask = records["regions_mask"]
    one = {name: array[:1] for name, array in records.items()}
    two = {name: array[1:] for name, array in records.items()}
    for name in ("regions", "regions_mask"):
        two[name] = two[name][:, :4]
    assert mask[1:, 4:].sum() == 0
    weights = task.attend([one, two])["regions_2"]
    expected = task.attend(records)["regions_2"]
    np.testing.assert_allclose(weights, expected, atol=1e-6)


@pytest.mark.slow
def test_the_answerer_agrees_with_predict_and_attend(both, logits):
    task, inputs = both
    batch = keras.tree.map_structure(
        ops.convert_to_tensor, task.preprocess_samples(inputs)
    )
    outputs = keras.tree.map_structure(
        ops.convert_to_numpy, task.answerer(2)(batch)
    )
    exact = np.exp(logits(task, inputs).astype("float64"))
    exact /= exact.sum(axis=1, keepdims=True)
    best = np.argsort(-exact, axis=1)[:, :2]
    np.testing.assert_array_equal(outputs["answers"], best)
    np.testing.assert_allclose(
        outputs["probabilities"],
        np.take_along_axis(exact, best, axis=1),
        atol=1e-6,
    )
    for name, weights in task.attend(inputs).items():
        found = outputs["attention"][name].reshape(weights.shape)
        np.testing.assert_allclose(found, weights, atol=1e-6)


def test_the_answerer_is_made_once_and_follows_the_weights(make_task, records):
    task = make_task()
    answerer = task.answerer()
    before = ops.convert_to_numpy(answerer(records)["probabilities"])
    task.answer_dense.bias.assign([5.0, 0.0, -5.0])
    assert task.answerer() is answerer
    after = ops.convert_to_numpy(answerer(records)["probabilities"])
    assert np.abs(after - before).max() > 0.1
    assert task.answerer(1) is not answerer


def test_the_answerer_is_made_again_for_other_variables(
    make_task, encoder, raw
):
    task = make_task(encoder)
    image = raw["images"][0]
    answerer = task.answerer()
    before = task.ask(image, "what color").probabilities
    task.hidden_dense.enable_lora(2)
    task.hidden_dense.lora_kernel_b.assign(np.ones((2, 7)))
    assert task.answerer() is not answerer
    after = task.ask(image, "what color").probabilities
    assert np.abs(np.subtract(after, before)).max() > 1e-4


@pytest.mark.slow
def test_asking_leaves_nothing_behind(make_task, encoder, raw):
    task = make_task(encoder)

    def nodes():
        return {
            layer.path: len(layer._inbound_nodes)
            for layer in task._flatten_layers()
        }

    before = nodes()
    for _ in range(200):
        task.ask(raw["images"][0], "what color is it?")
    assert nodes() == before


@pytest.mark.slow
def test_threads_ask_at_once_and_get_what_one_gets(make_task, encoder, raw):
    task = make_task(encoder)
    questions = ["what", "color", "is it", "what color", "", "zebra", "it"] * 4
    alone = make_task(encoder)
    expected = [
        alone.ask(raw["images"][i % 3], question)
        for i, question in enumerate(questions[:7])
    ]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(
                lambda i: task.ask(raw["images"][i % 7 % 3], questions[i]),
                range(len(questions)),
            )
        )
    for i, answer in enumerate(found):
        assert answer.answers == expected[i % 7].answers
        np.testing.assert_allclose(
            answer.probabilities, expected[i % 7].probabilities, atol=1e-6
        )


@pytest.mark.slow
@pytest.mark.parametrize("question", ["What color is it?", "", "zebra"])
def test_ask_answers_one_question(make_task, encoder, logits, question):
    task = make_task(encoder)
    image = np.random.default_rng(0).integers(0, 256, (8, 12, 3), "uint8")
    answer = task.ask(image, question, top_k=10)
    assert sorted(answer.answers) == ["blue", "green", "red"]
    assert answer.probabilities == sorted(answer.probabilities, reverse=True)
    assert sum(answer.probabilities) == pytest.approx(1)
    inputs = {"images": image[None], "questions": [question]}
    best = logits(task, inputs)[0].argmax()
    assert answer.answers[0] == task.preprocessor.answers[best]
    assert task.ask(image, question, top_k=1).answers == answer.answers[:1]
    attention = task.attend(inputs)
    for name, weights in answer.attention.items():
        assert weights.shape == (2, 3)
        np.testing.assert_allclose(
            weights.reshape(-1), attention[name][0], atol=1e-6
        )


def test_ask_takes_whatever_holds_an_image(make_task, encoder, tmp_path):
    task = make_task(encoder)
    array = np.random.default_rng(0).integers(0, 256, (8, 12, 3), "uint8")
    image = PIL.Image.fromarray(array)
    path = tmp_path / "image.png"
    image.save(path)
    opaque = np.dstack([array, np.full((8, 12), 255, "uint8")])
    given = [image, path, str(path), path.read_bytes(), opaque]
    given += [array.astype("float32"), array.astype("int64")]
    first = task.ask(array, "what")
    for other in given:
        assert task.ask(other, "what").probabilities == first.probabilities
    gray = task.ask(image.convert("L"), "what").probabilities
    assert gray != first.probabilities
    assert gray == task.ask(np.asarray(image.convert("L")), "what")[1]


def test_ask_takes_lists(make_task, encoder, raw):
    task = make_task(encoder)
    images = list(raw["images"])
    questions = ["What color is it?", "what", ""]

    def one_by_one(pairs):
        return [task.ask(image, question) for image, question in pairs]

    for found, expected in [
        (task.ask(images, questions), zip(images, questions, strict=True)),
        (task.ask(images[0], questions), [(images[0], q) for q in questions]),
        (task.ask(images, "what"), [(image, "what") for image in images]),
        (task.ask(images * 14, "what"), [(i, "what") for i in images * 14]),
        (task.ask([images[0]], "what"), [(images[0], "what")]),
    ]:
        for a, b in zip(found, one_by_one(expected), strict=True):
            assert (a.answers, a.words) == (b.answers, b.words)
            np.testing.assert_allclose(
                a.probabilities, b.probabilities, atol=1e-6
            )
    assert task.ask(images[0], []) == task.ask([], "what") == []
    with pytest.raises(ValueError, match="Received: 3 images and 2 questions"):
        task.ask(images, ["what", "it"])


@pytest.mark.parametrize("scale", ["0 to 1", "-1 to 1"])
def test_images_of_other_values_than_0_to_255_are_refused(
    make_task, encoder, raw, targets, scale
):
    task = make_task(encoder)
    raw["images"] = raw["images"] / np.float32(255)
    if scale == "-1 to 1":
        raw["images"] = raw["images"] * 2 - 1
    for call in (
        lambda: task.ask(raw["images"][0], "what"),
        lambda: task.predict(raw, verbose=0),
        lambda: task.fit(raw, targets, verbose=0),
        lambda: task.evaluate(raw, targets, verbose=0),
        lambda: task.train_on_batch(raw, targets),
        lambda: task.attend(raw),
    ):
        with pytest.raises(ValueError, match="0 to 255. Received: floats from"):
            call()


@pytest.mark.slow
def test_gray_and_rgba_images_train_and_predict(make_task, encoder, raw):
    task = make_task(encoder)
    rgb = raw["images"]
    gray = rgb[..., :1]
    for images, same in [
        (gray, np.repeat(gray, 3, axis=-1)),
        (gray[..., 0], np.repeat(gray, 3, axis=-1)),
        (np.concatenate([rgb, np.full_like(gray, 255)], axis=-1), rgb),
        (np.concatenate([rgb, np.zeros_like(gray)], axis=-1), 0 * rgb + 255),
    ]:
        found = task.predict({**raw, "images": images}, verbose=0)
        expected = task.predict({**raw, "images": same}, verbose=0)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_ask_needs_a_preprocessor_and_an_encoder(make_task, encoder):
    image = np.zeros((4, 6, 3), "uint8")
    with pytest.raises(ValueError, match="`ask`.*must.*image_encoder=None"):
        make_task().ask(image, "what")
    task = make_task(encoder)
    task.preprocessor = None
    with pytest.raises(ValueError, match="`ask`.*must.*preprocessor=None"):
        task.ask(image, "what")


def test_ask_says_what_is_wrong_with_an_image_and_nothing_else(
    make_task, encoder, tmp_path
):
    task = make_task(encoder)
    with pytest.raises(FileNotFoundError, match="No such file.*nope.png'$"):
        task.ask("nope.png", "what")
    (tmp_path / "no.png").write_text("no image")
    message = r"^An image must.*not_an_image \(first bytes b'no image'\)$"
    with pytest.raises(ValueError, match=message):
        task.ask(tmp_path / "no.png", "what")


def test_ask_takes_tuples_and_arrays_of_questions(make_task, encoder, raw):
    task = make_task(encoder)
    questions = ["What color is it?", "what", ""]
    expected = task.ask(list(raw["images"]), questions)
    for images, asked in [
        (raw["images"], np.array(questions)),
        (tuple(raw["images"]), tuple(questions)),
        (raw["images"], np.array(questions, object)),
    ]:
        found = task.ask(images, asked)
        assert [a.answers for a in found] == [a.answers for a in expected]
