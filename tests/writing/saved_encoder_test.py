import time

import keras
import numpy as np
import pytest

from vqa_keras.errors import UserError
from vqa_keras.writing.feature_extractor import FeatureExtractor
from vqa_keras.writing.saved_encoder import describe_encoder
from vqa_keras.writing.saved_encoder import save_encoder
from vqa_keras.writing.work_folder import WorkFolder


def encoder(size=8):
    images = keras.Input((size, size, 3))
    low = keras.layers.Conv2D(4, 2, strides=2, name="low")(images)
    high = keras.layers.Conv2D(5, 2, strides=2, name="high")(low)
    return keras.Model(images, {"low": low, "high": high}, name="pyramid")


@pytest.fixture
def output(tmp_path):
    WorkFolder(tmp_path).path.mkdir()
    return tmp_path


def test_the_entry_has_size_and_levels():
    described = describe_encoder(encoder(), "/home/me/mine.keras")
    assert described.name == "mine.keras"
    assert described.image_size == (8, 8)
    assert described.levels == {"low": (4, 4, 4), "high": (2, 2, 5)}


def test_levels_keep_the_order_of_the_argument():
    levels = describe_encoder(encoder(), "x", ["high", "low"]).levels
    assert list(levels) == ["high", "low"]


def test_an_encoder_of_any_size_is_refused():
    with pytest.raises(UserError, match="--image_size must be given"):
        describe_encoder(encoder(size=None), "mine.keras")


def test_equal_encoders_give_equal_files_at_any_time(output, monkeypatch):
    model = encoder()
    first = save_encoder(model, output).read_bytes()
    day = time.time() + 100_000
    monkeypatch.setattr(time, "time", lambda: day)
    assert save_encoder(model, output).read_bytes() == first
    twin = keras.saving.load_model(output / "image_encoder.keras")
    pixels = np.ones((1, 8, 8, 3), "float32")
    np.testing.assert_array_equal(twin(pixels)["low"], model(pixels)["low"])
    assert [p.name for p in WorkFolder(output).path.iterdir()] == []


def test_features_do_not_depend_on_the_number_of_images_in_a_batch(output):
    path = save_encoder(encoder(), output)
    extract = FeatureExtractor(path, ["high", "low"], batch_size=3)
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (9, 7, 3), "uint8") for _ in range(3)]
    full = extract(images)
    assert [len(extract(images[:n])) for n in (1, 2)] == [1, 2]
    np.testing.assert_array_equal(
        extract(images[:1])[0]["high"], full[0]["high"]
    )
    assert list(full[0]) == ["high", "low"]
    assert full[0]["low"].shape == (4, 4, 4)
