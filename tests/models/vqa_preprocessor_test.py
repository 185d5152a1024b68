import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.models import VQAPreprocessor

ANSWERS = ["red", "green", "blue"]


def assert_same_pixels(found, expected):
    """Backends add in different orders, so halves round up or down."""
    rounding = 0 if keras.config.backend() == "tensorflow" else 1
    np.testing.assert_allclose(
        found.astype("int32"), expected.astype("int32"), rtol=0, atol=rounding
    )


@pytest.fixture
def preprocessor(tokenizer):
    return VQAPreprocessor(tokenizer, ANSWERS, image_size=(4, 6))


def test_images_are_resized_and_questions_become_ids(preprocessor, raw):
    outputs = preprocessor(raw)
    assert set(outputs) == {"images", "token_ids"}
    images = ops.convert_to_numpy(outputs["images"])
    assert images.shape == (3, 4, 6, 3)
    assert images.dtype == "uint8"
    ids = ops.convert_to_numpy(outputs["token_ids"])
    np.testing.assert_array_equal(
        ids, [[2, 3, 4, 5, 0], [2, 0, 0, 0, 0], [1, 0, 0, 0, 0]]
    )


def test_resizing_is_that_of_the_records(preprocessor, raw):
    resize = pytest.importorskip("vqa_keras.image_encoders.resize").resize
    found = ops.convert_to_numpy(preprocessor(raw)["images"])
    expected = resize(raw["images"], (4, 6))
    assert_same_pixels(found, expected)


def test_images_of_the_right_size_keep_their_values(preprocessor, raw):
    raw["images"] = raw["images"][:, :4, :6]
    images = ops.convert_to_numpy(preprocessor(raw)["images"])
    np.testing.assert_array_equal(images, raw["images"])


def test_graphs_of_tf_data_give_the_same(preprocessor, raw, targets):
    tf = pytest.importorskip("tensorflow")
    batches = tf.data.Dataset.from_tensors((raw, targets))
    ((x, y),) = batches.map(preprocessor).as_numpy_iterator()
    expected = preprocessor(raw)
    np.testing.assert_array_equal(y, targets)
    for name in expected:
        assert_same_pixels(x[name], ops.convert_to_numpy(expected[name]))


def test_records_pass_unchanged(preprocessor, records, targets):
    weight = np.ones(3)
    x, y, sample_weight = preprocessor(records, targets, weight)
    assert set(x) == set(records)
    for name in x:
        np.testing.assert_array_equal(
            ops.convert_to_numpy(x[name]), records[name]
        )
    assert len(y) == len(sample_weight) == 3


def test_targets_are_one_hot_and_zero_outside_the_vocabulary(preprocessor):
    rows = preprocessor.targets(["blue", "pink", "red"])
    np.testing.assert_array_equal(rows, [[0, 0, 1], [0, 0, 0], [1, 0, 0]])
    assert rows.dtype == "float32"


@pytest.mark.parametrize("image_size", [(4, 6), None])
def test_preset_gives_back_the_preprocessor(tmp_path, tokenizer, image_size):
    preprocessor = VQAPreprocessor(tokenizer, ANSWERS, image_size)
    preprocessor.save_to_preset(str(tmp_path))
    twin = VQAPreprocessor.from_preset(tmp_path)
    assert twin.answers == ANSWERS
    assert twin.image_size == image_size
    assert twin.tokenizer.get_vocabulary() == tokenizer.get_vocabulary()
    assert twin.get_config() == preprocessor.get_config()
    config = keras.saving.serialize_keras_object(preprocessor)
    twin = keras.saving.deserialize_keras_object(config)
    assert twin.get_config() == preprocessor.get_config()


@pytest.mark.parametrize(
    ("inputs", "received"),
    [
        ({"images": 1}, r"\['images'\]"),
        ({"images": 1, "question": 2}, r"\['images', 'question'\]"),
        ([1, 2], "list"),
    ],
)
def test_rejects_other_inputs(preprocessor, inputs, received):
    with pytest.raises(ValueError, match=f"`questions`.*Received: {received}"):
        preprocessor.call(inputs)


def test_rejects_raw_images_where_the_model_takes_features(tokenizer, raw):
    preprocessor = VQAPreprocessor(tokenizer, ANSWERS)
    with pytest.raises(ValueError, match="with_image_encoder.*Received: .*im"):
        preprocessor(raw)
