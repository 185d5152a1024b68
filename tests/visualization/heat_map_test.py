import numpy as np
import pytest

from vqa_keras.visualization import bars
from vqa_keras.visualization import colormap
from vqa_keras.visualization import enlarge
from vqa_keras.visualization import overlay


@pytest.fixture
def image():
    image = np.full((64, 64, 3), (232, 230, 250), np.uint8)
    image[8:24, 40:56] = (255, 255, 0)
    return image


def lightness(colors):
    """Returns CIE L* of sRGB colors."""
    linear = np.asarray(colors, float) / 255
    linear = np.where(
        linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4
    )
    y = linear @ np.array([0.2126, 0.7152, 0.0722])
    return np.where(y > 0.008856, 116 * np.cbrt(y) - 16, 903.3 * y)


def test_lightness_of_the_colors_rises_evenly():
    steps = np.diff(lightness(colormap(np.linspace(0, 1, 21))))
    assert (steps > 0).all()
    assert steps[1:].max() < 2 * steps[1:].min()


def test_colors_end_where_the_range_ends():
    colors = colormap(np.array([[-1.0, 0.0], [1.0, 2.0]]))
    assert colors.shape == (2, 2, 3) and colors.dtype == np.uint8
    np.testing.assert_array_equal(colors[:, 0], colors[:, 1])


@pytest.mark.parametrize(
    "shape, expected",
    [((64, 64), (256, 256)), ((30, 60), (128, 256)), ((512, 1), (256, 1))],
)
def test_enlarge_keeps_the_aspect(shape, expected):
    result = enlarge(np.zeros((*shape, 3), np.uint8), 256)
    assert result.shape == (*expected, 3)


def test_each_cell_is_colored_where_it_lies(image):
    weights = np.zeros((4, 8))
    weights[0, 7], weights[3, 0] = 0.6, 0.5
    drawn = overlay(np.full_like(image, 128), weights).astype(int)
    cells = drawn.reshape(4, 64, 8, 32, 3)[:, 32, :, 16]  # centers
    brightness = cells.sum(axis=-1)
    order = np.argsort(brightness.ravel())[::-1]
    assert list(order[:2]) == [7, 24]
    assert np.ptp(brightness.ravel()[order[2:]]) == 0


def test_does_not_depend_on_the_scale_of_the_weights(image):
    weights = np.random.default_rng(0).random((8, 8))
    np.testing.assert_array_equal(
        overlay(image, weights), overlay(image, weights * 1e-3)
    )


def test_yellow_shape_shows_under_the_map(image):
    drawn = overlay(image, np.zeros((8, 8))).astype(int)
    inside, outside = drawn[64, 192], drawn[200, 50]
    assert np.abs(inside - outside).min() > 40


def test_white_frame_marks_the_only_largest_weight(image):
    weights = np.full((8, 8), 0.01)
    weights[2, 3] = 0.5
    white = (overlay(image, weights) == 255).all(axis=-1)
    rows, columns = np.nonzero(white)
    assert (rows // 32 == 2).all() and (columns // 32 == 3).all()
    assert len(rows) > 0


def test_map_of_equal_weights_is_one_flat_color(image):
    plain = np.full_like(image, 200)
    for value in (0, 1 / 64):
        drawn = overlay(plain, np.full((8, 8), value))
        assert len(np.unique(drawn.reshape(-1, 3), axis=0)) == 1
    dark, light = (
        overlay(plain, np.full((8, 8), value)).mean() for value in (0, 1 / 64)
    )
    assert dark < light


def test_grids_finer_than_the_panel_can_be_drawn(image):
    weights = np.random.default_rng(0).random((100, 100))
    assert overlay(image, weights, size=32).shape == (32, 32, 3)


def test_height_of_a_bar_is_its_fraction_of_the_largest():
    drawn = bars(np.array([0.1, 0.4, 0.2]), width=90, height=80)
    ground = drawn[0, 0]
    heights = (drawn != ground).any(axis=-1).sum(axis=0)
    assert list(heights[[5, 35, 65]]) == [20, 80, 40]
    assert heights[29] == 0  # a gap between the bars


def test_bars_of_zeros_are_empty():
    drawn = bars(np.zeros(4))
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.1])
def test_rejects_weights_that_are_negative_or_not_finite(image, bad):
    with pytest.raises(ValueError, match="finite and at least 0. Received"):
        overlay(image, np.array([[bad, 0.5]]))
    with pytest.raises(ValueError, match="finite and at least 0. Received"):
        bars(np.array([bad, 0.5]))


@pytest.mark.parametrize("shape", [(64,), (1, 8, 8), (0, 8), ()])
def test_rejects_maps_of_another_rank(image, shape):
    with pytest.raises(ValueError, match=r"\(rows, columns\).*Received"):
        overlay(image, np.zeros(shape))


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((8, 8, 3), np.float32),
    ],
)
def test_rejects_arrays_that_are_not_rgb_images(wrong):
    with pytest.raises(ValueError, match="must be uint8 of shape.*Received"):
        overlay(wrong, np.zeros((2, 2)))
