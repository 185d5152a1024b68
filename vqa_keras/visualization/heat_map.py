"""Attention weights drawn over the image they attend to."""

import numpy as np
from PIL import Image

# Seventeen even steps of matplotlib's inferno (CC0): lightness rises evenly
# with the value, so it also reads in grey and without color vision.
_INFERNO = np.array(
    [
        (0, 0, 4),
        (11, 7, 36),
        (33, 12, 74),
        (60, 9, 101),
        (87, 16, 109),
        (112, 25, 110),
        (137, 34, 106),
        (163, 43, 97),
        (187, 55, 85),
        (209, 70, 68),
        (227, 89, 50),
        (241, 113, 30),
        (249, 141, 10),
        (252, 171, 15),
        (249, 202, 50),
        (242, 232, 101),
        (252, 255, 164),
    ],
    np.float64,
)
_BAR = (200, 72, 48)
_GROUND = (236, 236, 238)


def colormap(values):
    """Colors of numbers in [0, 1], from black through red to pale yellow.

    Args:
        values: float array of any shape; clipped to [0, 1].

    Returns:
        uint8 array, the shape of `values` with a last axis of 3.
    """
    values = np.clip(np.asarray(values, np.float64), 0, 1)
    position = values * (len(_INFERNO) - 1)
    anchors = np.arange(len(_INFERNO))
    channels = [np.interp(position, anchors, c) for c in _INFERNO.T]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def enlarge(image, size):
    """Scales an image so that its longer side has `size` pixels.

    Args:
        image: uint8 array, `(H, W, 3)`.
        size: int, at least 1.

    Returns:
        uint8 array, `(H', W', 3)`.

    Raises:
        ValueError: if `image` is not of that type and rank.
    """
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3:
        raise ValueError(
            "`image` must be uint8 of shape (height, width, 3). "
            f"Received: {image.dtype} of shape {image.shape}"
        )
    height, width = image.shape[:2]
    scale = size / max(height, width)
    target = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = Image.fromarray(image)
    return np.asarray(picture.resize(target, Image.Resampling.LANCZOS))


def overlay(image, weights, size=256, highest=None):
    """Draws attention weights over a grey copy of the image.

    Each cell of the grid is one flat square, as coarse as the model saw it.
    Colors run from 0 to the largest weight of this map; a map of zeros is all
    in the color of 0. Say the maximum beside the picture: a sharp map and a
    nearly uniform one both reach the brightest color. The cell of the largest
    weight has a white frame, unless several cells share it.

    Args:
        image: uint8 array, `(H, W, 3)`.
        weights: float array, `(h, w)`, not negative.
        size: int. Longer side of the result in pixels.
        highest: float. The weight of the brightest color, for maps that are
            to be compared; None for the largest weight of this map.

    Returns:
        uint8 array, `(H', W', 3)`.

    Raises:
        ValueError: if a rank is wrong, or a weight negative or not finite.
    """
    weights = check_weights(weights, 2)
    picture = enlarge(image, size)
    grey = grey_copy(picture)  # (H', W', 1)
    rows, columns = cells_of_pixels(picture, weights)
    shares = _shares(weights, highest)[np.ix_(rows, columns)]  # (H', W')
    strength = 0.72 + 0.16 * shares[..., None]  # bright cells keep their color
    mixed = (1 - strength) * grey + strength * colormap(shares)
    if (weights == weights.max()).sum() == 1:
        row, column = np.unravel_index(weights.argmax(), weights.shape)
        _frame(mixed, np.outer(rows == row, columns == column))
    return mixed.round().astype(np.uint8)


def bars(weights, width=256, height=256, highest=None):
    """Draws weights that have no place in the image, one bar each.

    Args:
        weights: float array, `(n,)`, not negative.
        width: int. Width of the result in pixels.
        height: int. Height of the result.
        highest: float. The weight whose bar fills the height; None for the
            largest weight.

    Returns:
        uint8 array, `(height, width, 3)`.

    Raises:
        ValueError: if the rank is wrong, or a weight negative or not finite.
    """
    weights = check_weights(weights, 1)
    shares = _shares(weights, highest)
    position = np.arange(width) * len(shares) / width
    share = shares[position.astype(int)]  # (width,)
    if width >= 4 * len(shares):
        share = np.where(position % 1 < 0.85, share, 0)  # a gap between bars
    filled = np.arange(height)[::-1][:, None] < np.round(share * height)
    return np.where(filled[..., None], _BAR, _GROUND).astype(np.uint8)


def check_weights(weights, rank=None, signed=False):
    """Returns the weights as float64 if they can be drawn.

    Args:
        weights: array.
        rank: 1, 2, or None for either; or a dict of the ranks that are
            allowed and what to call each in the message.
        signed: whether numbers may be negative.

    Returns:
        float64 array of the same shape.

    Raises:
        ValueError: if the rank is another, there is no weight, or one is
            not finite or, unless `signed`, negative.
    """
    weights = np.asarray(weights, np.float64)
    shapes = {1: "(weights,)", 2: "(rows, columns)"}
    if rank is not None:
        shapes = rank if isinstance(rank, dict) else {rank: shapes[rank]}
    if weights.ndim not in shapes or not weights.size:
        raise ValueError(
            f"attention weights must have shape {' or '.join(shapes.values())} "
            f"and hold a number. Received: weights.shape={weights.shape}"
        )
    if not np.isfinite(weights).all() or (weights.min() < 0 and not signed):
        needed = "finite" if signed else "finite and at least 0"
        raise ValueError(
            f"attention weights must be {needed}. "
            f"Received: {weights.min()} to {weights.max()}"
        )
    return weights


def cells_of_pixels(picture, weights):
    """The row of weights of each row of pixels; likewise the columns."""
    return tuple(
        np.arange(pixels) * cells // pixels
        for pixels, cells in zip(
            picture.shape[:2], weights.shape[:2], strict=True
        )
    )


def grey_copy(picture):
    """Projects the colors on the axis along which they differ most.

    Unlike lightness it tells a yellow shape from a white background.
    """
    colors = picture.reshape(-1, 3).astype(np.float64)
    mean = colors.mean(axis=0)
    axis = np.linalg.eigh(np.cov(colors - mean, rowvar=False))[1][:, -1]
    axis *= 1 if axis.sum() >= 0 else -1  # light stays light
    grey = mean.mean() + (colors - mean) @ axis
    return grey.clip(0, 255).reshape(*picture.shape[:2], 1)


def _shares(weights, highest):
    """Weights divided by the highest one, in [0, 1]."""
    highest = weights.max() if highest is None else highest
    return (weights / highest).clip(0, 1) if highest > 0 else weights


def _frame(mixed, inside):
    """Draws a white frame between two dark lines along the border, in place."""
    side = min(inside.any(axis=0).sum(), inside.any(axis=1).sum())
    if side < 12:  # would hide the cell
        return
    thickness = min(3, side // 8)
    mixed[_rim(inside, thickness + 2)] = 20
    mixed[_rim(_shrunk(inside, 1), thickness)] = 255


def _rim(inside, pixels):
    return inside & ~_shrunk(inside, pixels)


def _shrunk(inside, pixels):
    """`inside` without the pixels within `pixels` of its border."""
    shrunk = inside.copy()
    for axis in (0, 1):
        for step in (pixels, -pixels):
            shrunk &= np.roll(inside, step, axis)
    return shrunk
