"""Draws signed numbers over an image, such as affinities of words and cells."""

import numpy as np

from vqa_keras.visualization.heat_map import cells_of_pixels
from vqa_keras.visualization.heat_map import check_weights
from vqa_keras.visualization.heat_map import enlarge
from vqa_keras.visualization.heat_map import grey_copy

# Blue, grey, red: distinguishable also with red-green color blindness.
_COLORS = np.array(
    [
        (16, 66, 160),
        (86, 140, 214),
        (214, 214, 216),
        (232, 116, 88),
        (176, 20, 34),
    ],
    np.float64,
)


def signed_colormap(values):
    """Maps numbers in [-1, 1] to colors: blue below 0, grey at 0, red above.

    Args:
        values: float array of any shape; clipped to [-1, 1].

    Returns:
        uint8 array, the shape of `values` with a last axis of 3.
    """
    values = np.clip(np.asarray(values, np.float64), -1, 1)
    position = (values + 1) / 2 * (len(_COLORS) - 1)
    anchors = np.arange(len(_COLORS))
    channels = [np.interp(position, anchors, c) for c in _COLORS.T]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def signed_overlay(image, values, size=256, highest=None):
    """Draws numbers of either sign over a grey copy of the image.

    A cell near 0 shows the grey image; the color is stronger for larger
    absolute values.

    Args:
        image: uint8 array, `(H, W, 3)`.
        values: float array, `(h, w)`.
        size: int. Longer side of the result in pixels. Defaults to 256.
        highest: float. The absolute value of the strongest color, to compare
            maps. Defaults to `None`, the largest absolute value of this map.

    Returns:
        uint8 array, `(H', W', 3)`.

    Raises:
        ValueError: if a rank is wrong or a number is not finite.
    """
    values = check_weights(values, 2, signed=True)
    panel = enlarge(image, size)
    highest = np.abs(values).max() if highest is None else highest
    fractions = (values / highest).clip(-1, 1) if highest > 0 else 0 * values
    fractions = fractions[np.ix_(*cells_of_pixels(panel, values))]  # (H', W')
    strength = 0.85 * np.abs(fractions[..., None]) ** 0.7
    grey = 60 + 0.7 * grey_copy(panel)  # leaves contrast at both ends
    mixed = (1 - strength) * grey + strength * signed_colormap(fractions)
    return mixed.round().astype(np.uint8)
