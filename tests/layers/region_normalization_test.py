import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import RegionNormalization


@pytest.fixture
def regions():
    return np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32")


def test_keeps_the_layer_contract(check_layer, regions):
    check_layer(RegionNormalization(), {"regions": regions})


def test_every_region_has_unit_length_and_keeps_its_direction(regions):
    unit = ops.convert_to_numpy(RegionNormalization()(regions))
    lengths = np.linalg.norm(regions, axis=-1, keepdims=True)
    np.testing.assert_allclose(unit, regions / lengths, atol=1e-6)


def test_a_region_of_zeros_stays_zeros(regions):
    regions[0, 1] = 0.0
    unit = ops.convert_to_numpy(RegionNormalization()(regions))
    assert (unit[0, 1] == 0).all()
    assert np.isfinite(unit).all()


def test_large_float16_features_do_not_overflow(regions):
    large = (regions * 2e4).astype("float16")
    unit = RegionNormalization(dtype="float16")(large)
    lengths = np.linalg.norm(
        ops.convert_to_numpy(unit).astype("float32"), axis=-1
    )
    np.testing.assert_allclose(lengths, 1, atol=2e-3)


def test_takes_a_grid_too(regions):
    grid = regions.reshape(2, 2, 2, 3)
    flat = ops.convert_to_numpy(RegionNormalization()(regions))
    unit = ops.convert_to_numpy(RegionNormalization()(grid))
    np.testing.assert_array_equal(unit.reshape(2, 4, 3), flat)


def test_passes_the_keras_mask_on(regions):
    regions[:, -1] = 0.0
    unit = RegionNormalization()(keras.layers.Masking()(regions))
    mask = ops.convert_to_numpy(keras.src.backend.get_keras_mask(unit))
    np.testing.assert_array_equal(mask[:, -1], [False, False])
