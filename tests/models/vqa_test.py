import concurrent.futures

import keras
import numpy as np
import PIL.Image
import pytest
from keras import ops

from vqa_keras.models import VQA
from vqa_keras.models import AnswerBinaryCrossentropy
from vqa_keras.models import StackedBackbone
from vqa_keras.models import VQAPreprocessor


def weights_of(model):
    return {w.path: np.array(ops.convert_to_numpy(w)) for w in model.weights}


def moved(model, before):
    after = weights_of(model)
    return {path for path in before if (before[path] != after[path]).any()}


# === Training ===


@pytest.mark.slow
def test_predict_takes_records_and_raw_data_as_numpy_and_dataset(both, logits):
    tf = pytest.importorskip("tensorflow")
    task, inputs = both
    expected = logits(task, inputs)
    # A pixel may be rounded the other way in a graph, except on TensorFlow.
    resized = "images" in inputs and keras.config.backend() != "tensorflow"
    atol = 1e-2 if resized else 1e-5
    arrays = task.predict(inputs, batch_size=2, verbose=0)
    np.testing.assert_allclose(arrays, expected, atol=atol)
    dataset = tf.data.Dataset.from_tensor_slices(inputs).batch(2)
    batches = task.predict(dataset, verbose=0)
    np.testing.assert_allclose(batches, expected, atol=atol)


@pytest.mark.slow
def test_features_without_a_mask_are_all_real(make_task, records, logits):
    tf = pytest.importorskip("tensorflow")
    task = make_task()
    records["regions_mask"] = np.ones((3, 6), "int32")
    expected = logits(task, records)
    del records["regions_mask"]
    np.testing.assert_array_equal(logits(task, records), expected)
    dataset = tf.data.Dataset.from_tensor_slices(records).batch(2)
    for inputs in (records, dataset):
        found = task.predict(inputs, verbose=0)
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.slow
def test_one_step_of_fit_moves_every_weight(both, targets):
    task, inputs = both
    before = weights_of(task)
    task.compile(keras.optimizers.SGD(0.1))
    task.fit(inputs, targets, shuffle=False, verbose=0)
    still = set(before) - moved(task, before)
    assert not still, still


@pytest.mark.slow
def test_fit_takes_datasets_with_targets(both, targets):
    tf = pytest.importorskip("tensorflow")
    task, inputs = both
    before = weights_of(task)
    dataset = tf.data.Dataset.from_tensor_slices((inputs, targets)).batch(3)
    history = task.fit(dataset, shuffle=False, verbose=0).history
    assert set(history) == {"loss", "accuracy"}
    assert moved(task, before)


@pytest.mark.slow
def test_a_frozen_encoder_stays_as_it_is(make_task, encoder, raw, targets):
    encoder.trainable = False
    task = make_task(encoder)
    twin = VQA.from_config(task.get_config())
    twin.preprocessor = task.preprocessor  # with its vocabulary
    for model in (task, twin):
        model.compile(keras.optimizers.SGD(0.1))
        before = weights_of(model.backbone.image_encoder)
        whole = weights_of(model)
        model.train_on_batch(raw, targets)
        assert not moved(model.backbone.image_encoder, before)
        assert len(moved(model, whole)) == len(whole) - len(before)


def test_a_frozen_backbone_stays_frozen_in_its_twin(make_task):
    task = make_task()
    task.backbone.trainable = False
    twin = VQA.from_config(task.get_config())
    assert len(task.trainable_weights) == len(twin.trainable_weights) == 4


@pytest.mark.slow
def test_activation_chooses_loss_and_probabilities(make_task, records, logits):
    scores = np.array([[1, 0.3, 0], [0, 0, 0], [0.6, 0, 1]], "float32")
    softmax, sigmoid = make_task(), make_task(activation="sigmoid")
    x = logits(softmax, records).astype("float64")
    log_p = x - np.log(np.exp(x).sum(axis=1, keepdims=True))
    p = 1 / (1 + np.exp(-x))
    cross = -(scores * log_p).sum(axis=1).mean()
    binary = -(scores * np.log(p) + (1 - scores) * np.log(1 - p))
    assert isinstance(sigmoid.loss, AnswerBinaryCrossentropy)
    for task, loss, probabilities in [
        (softmax, cross, np.exp(log_p)),
        (sigmoid, binary.sum(axis=1).mean(), p),
    ]:
        found = task.test_on_batch(records, scores, return_dict=True)["loss"]
        assert float(found) == pytest.approx(loss, rel=1e-4)
        found = ops.convert_to_numpy(task.probabilities(x))
        np.testing.assert_allclose(found, probabilities, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_trains_and_answers_in_float32(
    make_task, records, targets, logits, dtype
):
    task = make_task(dtype=dtype)
    outputs = task(records)
    assert keras.backend.standardize_dtype(outputs.dtype) == "float32"
    assert np.isfinite(task.train_on_batch(records, targets)[0])
    assert np.isfinite(logits(task, records)).all()


# === Twins ===


@pytest.mark.slow
def test_pixels_and_their_features_give_the_same_logits(
    make_task, encoder, raw, logits, tmp_path
):
    features = make_task()
    pixels = features.with_image_encoder(encoder)
    inputs = pixels.preprocess_samples(raw)
    grid = encoder(np.asarray(inputs["images"]), training=False)
    records = {
        "regions": ops.convert_to_numpy(grid).reshape(3, 6, 8),
        "token_ids": inputs["token_ids"],
    }
    expected = logits(features, records)
    np.testing.assert_allclose(logits(pixels, raw), expected, atol=1e-5)
    back = pixels.without_image_encoder()
    np.testing.assert_array_equal(logits(back, records), expected)

    pixels.save(tmp_path / "pixels.keras")
    twin = keras.saving.load_model(tmp_path / "pixels.keras")
    np.testing.assert_array_equal(logits(twin, raw), logits(pixels, raw))
    before = logits(pixels, raw)
    for weight in features.weights:
        weight.assign(np.zeros(weight.shape))
    np.testing.assert_array_equal(logits(pixels, raw), before)


# === Attention and answers ===


@pytest.mark.slow
def test_attend_gives_the_weights_of_every_hop(both):
    tf = pytest.importorskip("tensorflow")
    task, inputs = both
    attention = task.attend(inputs, batch_size=2)
    assert list(attention) == ["hop_1", "hop_2"]
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
    weights = task.attend([one, two])["hop_2"]
    expected = task.attend(records)["hop_2"]
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


@pytest.mark.slow
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


@pytest.mark.slow
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
    with pytest.raises(ValueError, match="`ask` needs.*image_encoder=None"):
        make_task().ask(image, "what")
    task = make_task(encoder)
    task.preprocessor = None
    with pytest.raises(ValueError, match="`ask` needs.*preprocessor=None"):
        task.ask(image, "what")


# === Mistakes ===


def test_rejects_floats_within_minus_1_and_1_in_a_pipeline(
    make_task, encoder, raw
):
    tf = pytest.importorskip("tensorflow")
    raw["images"] = raw["images"] / np.float32(255)
    dataset = tf.data.Dataset.from_tensor_slices(raw).batch(2)
    message = "values from 0 to 255. Received: floats within"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        make_task(encoder).predict(dataset, verbose=0)


def test_rejects_another_activation(make_task):
    with pytest.raises(ValueError, match="softmax, sigmoid. Received: relu"):
        make_task(activation="relu")


def test_rejects_answers_of_another_number(make_task, tokenizer):
    backbone = make_task().backbone
    preprocessor = VQAPreprocessor(tokenizer, ["yes", "no"])
    with pytest.raises(ValueError, match="answers, 2. Received: 3"):
        VQA(backbone, 3, preprocessor)


def test_rejects_raw_images_where_it_takes_features(make_task, raw):
    for call in ("predict", "attend"):
        with pytest.raises(ValueError, match="takes region features"):
            getattr(make_task(), call)(raw)


def test_rejects_a_dict_of_other_names(make_task, records):
    records["region"] = records.pop("regions")
    del records["regions_mask"]
    task = make_task()
    needed = "regions, regions_mask, token_ids. Received: region, token_ids"
    for call in (task.predict, task.predict_on_batch, task.attend):
        with pytest.raises(ValueError, match=needed):
            call(records)


def test_defaults_are_those_of_the_docstring():
    backbone = StackedBackbone(6, 8, 3, 4, 5)
    task = VQA(backbone, 3)
    assert task.activation == "softmax"
    assert isinstance(task.loss, keras.losses.CategoricalCrossentropy)
    assert task.get_config()["hidden_dim"] == 1024


def test_rejects_a_mask_of_fractions(make_task, records, targets):
    records["regions_mask"] = np.full((3, 6), 0.5, "float32")
    task = make_task()
    for call in (
        lambda: task(records),
        lambda: task.backbone(records),
        lambda: task.predict(records, verbose=0),
        lambda: task.fit(records, targets, verbose=0),
        lambda: task.predict_on_batch(records),
    ):
        with pytest.raises(ValueError, match="`regions_mask` must.* value 0.5"):
            call()
