import numpy as np
import pytest

from vqa_keras.visualization import enlarge
from vqa_keras.visualization import overlay
from vqa_keras.visualization import strip


@pytest.fixture
def random():
    return np.random.default_rng(0)


@pytest.fixture
def image(random):
    return random.integers(0, 255, (32, 64, 3), np.uint8)


def panels(drawn):
    """Returns the panels of 256 x 128 pixels between gaps of 8 columns."""
    pixels = np.asarray(drawn)
    assert pixels.shape[0] == 128 and (pixels.shape[1] + 8) % 264 == 0
    starts = range(0, pixels.shape[1], 264)
    for start in starts[1:]:
        assert (pixels[:, start - 8 : start] == 255).all()
    return [pixels[:, start : start + 256] for start in starts]


def assert_panels(drawn, expected):
    for panel, pixels in zip(panels(drawn), expected, strict=True):
        np.testing.assert_array_equal(panel, pixels)


def test_image_and_the_map_of_every_attention_are_side_by_side(image, random):
    maps = {
        "regions_1": random.random((4, 8)),
        "regions_2": random.random((4, 8)),
    }
    drawn = strip(image, maps)
    assert drawn.mode == "RGB"
    expected = [
        enlarge(image, 256),
        *(overlay(image, m) for m in maps.values()),
    ]
    assert_panels(drawn, expected)


def test_every_glimpse_up_to_eight_is_a_panel(image, random):
    weights = random.random((9, 4, 8))
    drawn = strip(image, {"regions_1": weights})
    expected = [enlarge(image, 256), *(overlay(image, w) for w in weights[:8])]
    assert_panels(drawn, expected)


def test_only_maps_over_the_grid_are_panels(image, random):
    others = {
        "regions_1": random.random(32),  # regions without a grid
        "words_1": random.random(5),
        "channels_1": random.random(6),
        "affinity_1": random.uniform(-1, 1, (5, 4, 8)),
        "words_to_regions_1": random.random((2, 5, 4, 8)),
        "regions_to_regions_1": random.random((2, 4, 8, 4, 8)),
    }
    assert_panels(strip(image, others), [enlarge(image, 256)])


@pytest.mark.parametrize(
    "weights",
    [np.zeros((8, 8)), np.ones((1, 1)), np.ones((1, 2, 2))],
)
def test_degenerate_maps_are_drawn(image, weights):
    assert len(panels(strip(image, {"regions_1": weights}))) == 2


@pytest.mark.parametrize(
    "weights",
    [np.full((2, 2), np.nan), np.full((2, 2), -1), np.ones((1,) * 4)],
)
def test_rejects_weights_that_cannot_be_drawn(image, weights):
    with pytest.raises(ValueError, match="attention weights must.*Received"):
        strip(image, {"regions_1": weights})


def test_rejects_an_attention_of_unknown_kind(image):
    with pytest.raises(ValueError, match="one of regions, .*Received: heat"):
        strip(image, {"heat": np.ones((2, 2))})


def test_rejects_an_image_that_is_not_rgb():
    with pytest.raises(ValueError, match="must be uint8 of shape.*Received"):
        strip(np.zeros((8, 8), np.uint8), {})
