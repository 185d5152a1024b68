import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.image_encoders import GridCNNBackbone


def run(encoder, images):
    return ops.convert_to_numpy(encoder(images, training=False))


@pytest.fixture
def images():
    return np.random.default_rng(0).uniform(0, 255, (2, 16, 24, 3))


@pytest.fixture
def encoder():
    return GridCNNBackbone(
        filters=(4, 6, 8, 5),
        kernel_sizes=(2, 2, 2, 1),
        strides=(2, 2, 2, 1),
        image_shape=(16, 24, 3),
    )


def test_is_a_normalized_convolution_of_scaled_pixels(images):
    encoder = GridCNNBackbone([5], [2], [2], image_shape=(16, 24, 3))
    gamma, beta, mean, variance = np.random.default_rng(1).uniform(
        0.5, 2, (4, 5)
    )
    encoder.get_layer("norm_1").set_weights([gamma, beta, mean, variance])
    kernel = ops.convert_to_numpy(encoder.get_layer("conv_1").kernel)
    patches = (images / 127.5 - 1).reshape(2, 8, 2, 12, 2, 3)
    conv = np.einsum("bhiwjc,ijcd->bhwd", patches, kernel)
    norm = gamma * (conv - mean) / np.sqrt(variance + 1e-3) + beta
    np.testing.assert_allclose(
        run(encoder, images), np.maximum(norm, 0), atol=1e-5
    )


def test_a_default_cell_depends_on_its_neighbors_at_most():
    encoder = GridCNNBackbone(image_shape=(40, 40, 3))
    images = np.zeros((1, 40, 40, 3), "float32")
    grid = run(encoder, images)
    images[:, 16:24, 16:24] = 255.0
    moved = np.abs(run(encoder, images) - grid).max(axis=(0, 3)) > 0
    assert moved[2, 2]
    assert not moved[[0, 4]].any() and not moved[:, [0, 4]].any()


def test_a_cell_depends_on_its_own_8_by_8_pixels_only(encoder, images):
    grid = run(encoder, images)
    assert grid.shape == (2, 2, 3, 5)
    assert grid.min() >= 0
    images[:, 8:, 8:16] = 255 - images[:, 8:, 8:16]
    moved = np.abs(run(encoder, images) - grid).max(axis=(0, 3)) > 0
    np.testing.assert_array_equal(moved, [[0, 0, 0], [0, 1, 0]])


def test_parameters_are_those_of_the_defaults():
    convolutions = [(3, 3, 24), (3, 24, 48), (2, 48, 96), (1, 96, 96)]
    expected = sum(k * k * c * f + 4 * f for k, c, f in convolutions)
    encoder = GridCNNBackbone()
    assert encoder.count_params() == expected
    assert encoder.output_shape == (None, 8, 8, 96)


@pytest.mark.parametrize("trainable", [True, False])
def test_comes_back_from_its_config_and_file(
    encoder, images, tmp_path, trainable
):
    encoder.trainable = trainable
    twin = GridCNNBackbone.from_config(encoder.get_config())
    assert twin.get_config() == encoder.get_config()
    encoder.save(tmp_path / "encoder.keras")
    twin = keras.saving.load_model(tmp_path / "encoder.keras")
    assert isinstance(twin, GridCNNBackbone)
    assert twin.trainable is trainable
    np.testing.assert_array_equal(run(twin, images), run(encoder, images))


def test_preset_gives_back_the_encoder(encoder, images, tmp_path):
    encoder.save_to_preset(str(tmp_path))
    twin = GridCNNBackbone.from_preset(str(tmp_path))
    np.testing.assert_array_equal(run(twin, images), run(encoder, images))


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_is_near_float32(encoder, images, dtype):
    half = GridCNNBackbone.from_config({**encoder.get_config(), "dtype": dtype})
    half.set_weights(encoder.get_weights())
    grid = run(encoder, images)
    found = ops.convert_to_numpy(ops.cast(half(images), "float32"))
    np.testing.assert_allclose(found, grid, atol=0.03 * grid.max())


def test_rejects_lists_of_different_lengths_and_empty_ones():
    with pytest.raises(ValueError, match="Received lengths: 2, 1, 2"):
        GridCNNBackbone([4, 5], [2], [2, 2])
    with pytest.raises(ValueError, match="Received lengths: 0, 0, 0"):
        GridCNNBackbone([], [], [])
