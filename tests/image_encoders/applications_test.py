import sys

import keras
import numpy as np
import pytest

from vqa_keras.image_encoders.applications import APPLICATIONS
from vqa_keras.image_encoders.applications import application_name
from vqa_keras.image_encoders.pixel_normalization import PixelNormalization


@pytest.mark.parametrize("name", sorted(APPLICATIONS))
def test_pixels_are_normalized_as_keras_does(name):
    module = sys.modules[getattr(keras.applications, name).__module__]
    pixels = np.random.default_rng(0).uniform(0, 255, (1, 4, 4, 3))
    pixels = pixels.astype("float32")
    expected = module.preprocess_input(pixels.copy())
    settings = APPLICATIONS[name][1]
    normalized = PixelNormalization(**settings or {})(pixels)
    np.testing.assert_allclose(normalized, expected, atol=1e-4)


def test_every_application_of_keras_is_known():
    constructors = {
        name for name in dir(keras.applications) if name[0].isupper()
    }
    assert constructors == set(APPLICATIONS)


def test_names_are_found_in_any_case():
    assert application_name("resnet50") == "ResNet50"
    assert application_name("ResNet51") is None


def test_normalization_takes_one_number_or_three():
    with pytest.raises(ValueError, match="`scale` must be one number"):
        PixelNormalization(scale=[1.0, 2.0])


def test_normalization_comes_back_from_its_config():
    layer = PixelNormalization(scale=(1, 2, 3), offset=-1, bgr=True)
    twin = PixelNormalization.from_config(layer.get_config())
    pixels = np.array([[[[1.0, 2.0, 3.0]]]], "float32")
    np.testing.assert_allclose(twin(pixels), [[[[2.0, 3.0, 2.0]]]])
    assert twin.get_config() == layer.get_config()
