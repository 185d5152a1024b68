import math

import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import GridPositionEncoding


@pytest.fixture
def regions():
    return np.random.default_rng(0).normal(size=(2, 6, 8)).astype("float32")


def encode(layer, regions):
    return ops.convert_to_numpy(layer(regions))


def test_keeps_the_layer_contract(check_layer, regions):
    check_layer(GridPositionEncoding((2, 3)), {"regions": regions})


def test_matches_the_published_formula_for_row_and_column(regions):
    encoded = encode(GridPositionEncoding((2, 3)), regions)
    for row in range(2):
        for column in range(3):
            expected = []
            for position in (row, column):
                for i in range(2):
                    angle = position / 10000 ** (2 * i / 4)
                    expected += [math.sin(angle), math.cos(angle)]
            cell = row * 3 + column
            for found, region in zip(encoded, regions, strict=True):
                np.testing.assert_allclose(
                    found[cell] - region[cell], expected, atol=1e-6
                )


def test_no_two_cells_of_a_large_grid_have_the_same_encoding():
    layer = GridPositionEncoding((14, 20))
    (encodings,) = encode(layer, np.zeros((1, 280, 32), "float32"))
    distance = np.linalg.norm(encodings[:, None] - encodings[None], axis=-1)
    assert distance[~np.eye(280, dtype=bool)].min() > 0.5


def test_padding_may_follow_the_cells_and_changes_none(check_layer, regions):
    padded = np.pad(regions, [(0, 0), (0, 3), (0, 0)])
    mask = np.array([[1] * 6 + [0] * 3] * 2, "int32")
    layer = GridPositionEncoding((2, 3))
    check_layer(layer, {"regions": padded, "regions_mask": mask})
    for padding in (0.0, np.nan):
        padded[:, 6:] = padding
        found = ops.convert_to_numpy(layer(padded, regions_mask=mask))
        expected = encode(layer, regions)
        np.testing.assert_allclose(found[:, :6], expected, atol=1e-6)
        assert (found[:, 6:] == 0).all()
    with pytest.raises(ValueError, match="6 cells"):
        layer(padded)


def test_has_no_parameters(regions):
    layer = GridPositionEncoding([2, 3])
    layer(regions)
    assert layer.weights == []
    assert layer.grid_shape == (2, 3)


def test_rejects_regions_that_are_not_the_grid(regions):
    with pytest.raises(ValueError, match=r"4 cells .*\(2, 2\).*\(2, 6, 8\)"):
        GridPositionEncoding((2, 2))(regions)
    with pytest.raises(ValueError, match=r"4 cells .*\(2, 2\).*\(2, 1, 8\)"):
        GridPositionEncoding((2, 2))(regions[:, :1])
    with pytest.raises(ValueError, match="multiple of four"):
        GridPositionEncoding((2, 3))(regions[..., :6])


@pytest.mark.parametrize("grid_shape", [None, 6, (2, 3, 1), (0, 3), (2, 1.5)])
def test_rejects_what_is_no_grid(grid_shape):
    with pytest.raises(ValueError, match=r"grid_shape.* must"):
        GridPositionEncoding(grid_shape)
