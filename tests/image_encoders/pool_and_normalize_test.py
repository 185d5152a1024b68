import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.errors import UserError
from vqa_keras.image_encoders import GridCNNBackbone
from vqa_keras.image_encoders import GridCoordinates
from vqa_keras.image_encoders import pool_and_normalize
from vqa_keras.image_encoders import weights_sha256


@pytest.fixture
def encoder():
    return GridCNNBackbone([4, 6], [2, 2], [2, 2], image_shape=(20, 24, 3))


@pytest.fixture
def images():
    return np.random.default_rng(0).uniform(0, 255, (2, 20, 24, 3))


def predict(model, images):
    return model.predict(images, verbose=0)


def test_cells_are_averaged_and_scaled_to_length_1(encoder, images):
    grid = predict(encoder, images)  # (2, 5, 6, 6)
    rows = grid[:, :4].reshape(2, 2, 2, 3, 2, 6).mean(axis=(2, 4))
    pooled = predict(pool_and_normalize(encoder, pool=2), images)
    np.testing.assert_allclose(pooled, rows, rtol=1e-5, atol=1e-6)
    both = predict(pool_and_normalize(encoder, 2, l2_normalize=True), images)
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    np.testing.assert_allclose(both, rows / lengths, rtol=1e-4, atol=1e-5)


def test_all_levels_keep_their_names(encoder, images):
    levels = {n: encoder.get_layer(n).output for n in ("relu_1", "relu_2")}
    pyramid = keras.Model(encoder.input, levels)
    found = predict(pool_and_normalize(pyramid, 5), images)
    assert {name: grid.shape[1:] for name, grid in found.items()} == {
        "relu_1": (2, 2, 4),
        "relu_2": (1, 1, 6),
    }


def test_the_hash_covers_pooling_and_scaling_and_survives_saving(
    encoder, tmp_path
):
    networks = [
        encoder,
        pool_and_normalize(encoder, 2),
        pool_and_normalize(encoder, 3),
        pool_and_normalize(encoder, 2, True),
        pool_and_normalize(encoder, None, True),
    ]
    hashes = [weights_sha256(network) for network in networks]
    assert len(set(hashes)) == 5
    networks[3].save(tmp_path / "encoder.keras")
    loaded = keras.saving.load_model(tmp_path / "encoder.keras")
    assert weights_sha256(loaded) == hashes[3]


def test_a_grid_that_is_too_small_is_refused(encoder):
    with pytest.raises(UserError, match="6 x 6 cells.*Received: 5 x 6 cells"):
        pool_and_normalize(encoder, pool=6)


def test_without_pooling_and_scaling_the_encoder_is_returned(encoder):
    assert pool_and_normalize(encoder) is encoder


def test_coordinates_are_those_of_the_cells_centers():
    grid = np.ones((2, 2, 4, 1), "float32")
    found = ops.convert_to_numpy(GridCoordinates()(grid))
    np.testing.assert_array_equal(found[..., :1], grid)
    np.testing.assert_allclose(found[1, :, 0, 1], [-0.5, 0.5])
    np.testing.assert_allclose(found[1, 0, :, 2], [-0.75, -0.25, 0.25, 0.75])


@pytest.mark.parametrize("coordinates", [False, True])
def test_only_a_cnn_with_coordinates_distinguishes_equal_cells(
    tmp_path, coordinates
):
    encoder = GridCNNBackbone(
        [4, 5], [2, 1], [2, 1], image_shape=(8, 8, 3), coordinates=coordinates
    )
    assert encoder.output_shape == (None, 4, 4, 5)
    images = np.full((1, 8, 8, 3), 90)
    grid = predict(encoder, images)
    assert (np.ptp(grid, axis=(1, 2)).max() > 0.01) == coordinates
    encoder.save(tmp_path / "encoder.keras")
    loaded = keras.saving.load_model(tmp_path / "encoder.keras")
    np.testing.assert_array_equal(predict(loaded, images), grid)
