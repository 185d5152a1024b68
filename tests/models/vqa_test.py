import keras
import numpy as np
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
def test_features_without_a_mask_are_all_valid(make_task, records, logits):
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
    history = task.fit(dataset, verbose=0).history
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
        with pytest.raises(ValueError, match="must be region features"):
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


@pytest.mark.parametrize(
    ("wrong", "message"),
    [("dropuot", "dropuot; did you mean dropout"), ("zebra", "zebra$")],
)
def test_an_unknown_argument_is_an_error(make_task, wrong, message):
    backbone = make_task().backbone
    with pytest.raises(TypeError, match=f"VQA must be among.*: {message}"):
        VQA(backbone, 3, **{wrong: 0.9})
