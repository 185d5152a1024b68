"""Draws attention weights over an image, or as bars."""

import numpy as np
from PIL import Image

# Seventeen even steps of matplotlib's inferno (CC0): lightness increases evenly
# with the value, so that it is legible in grey and without color vision.
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
    """Maps numbers in [0, 1] to colors from black through red to pale yellow.

    Args:
        values: float array of any shape; clipped to [0, 1].

    Returns:
        uint8 array, the shape of `values` with a last axis of 3.

    Example:
    >>> colormap([0.0, 1.0]).tolist()
    [[0, 0, 4], [252, 255, 164]]
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
        ValueError: if `image` has another dtype or shape.
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
    resized = Image.fromarray(image).resize(target, Image.Resampling.LANCZOS)
    return np.asarray(resized)


def overlay(image, weights, size=256, highest=None):
    """Draws attention weights over a grey copy of the image.

    Each cell of the grid is one rectangle of uniform color, without
    interpolation. Colors run from 0 to `highest`; a map of zeros has the color
    of 0. Display the largest weight with the map: a sharp map and a nearly
    uniform one both reach the brightest color. A white frame marks the cell of
    the largest weight, unless several cells tie.

    Args:
        image: uint8 array, `(H, W, 3)`.
        weights: float array, `(h, w)`, not negative.
        size: int. Longer side of the result in pixels. Defaults to 256.
        highest: float. The weight of the brightest color, to compare maps.
            Defaults to `None`, the largest weight of this map.

    Returns:
        uint8 array, `(H', W', 3)`.

    Raises:
        ValueError: if a rank is wrong, or a weight negative or not finite.

    Example:
    ```python
    answer = task.ask("shape.png", "what shape is it?")
    image = vqa_keras.images.decode("shape.png")
    drawn = vqa_keras.visualization.overlay(
        image, answer.attention["regions_1"]
    )
    PIL.Image.fromarray(drawn).save("attention.png")
    ```
    """
    weights = check_weights(weights, 2)
    panel = enlarge(image, size)
    grey = grey_copy(panel)  # (H', W', 1)
    rows, columns = cells_of_pixels(panel, weights)
    fractions = _fractions(weights, highest)[np.ix_(rows, columns)]  # (H', W')
    strength = 0.72 + 0.16 * fractions[..., None]  # keeps bright cells' color
    mixed = (1 - strength) * grey + strength * colormap(fractions)
    if (weights == weights.max()).sum() == 1:
        row, column = np.unravel_index(weights.argmax(), weights.shape)
        _frame(mixed, np.outer(rows == row, columns == column))
    return mixed.round().astype(np.uint8)


def bars(weights, width=256, height=256, highest=None):
    """Draws weights without a position in the image, one bar per weight.

    Args:
        weights: float array, `(n,)`, not negative.
        width: int. Width of the result in pixels. Defaults to 256.
        height: int. Height of the result in pixels. Defaults to 256.
        highest: float. The weight whose bar fills the height. Defaults to
            `None`, the largest weight.

    Returns:
        uint8 array, `(height, width, 3)`.

    Raises:
        ValueError: if the rank is wrong, or a weight negative or not finite.
    """
    weights = check_weights(weights, 1)
    fractions = _fractions(weights, highest)
    position = np.arange(width) * len(fractions) / width
    columns = fractions[position.astype(int)]  # (width,)
    if width >= 4 * len(fractions):
        columns = np.where(position % 1 < 0.85, columns, 0)  # gaps between bars
    filled = np.arange(height)[::-1][:, None] < np.round(columns * height)
    return np.where(filled[..., None], _BAR, _GROUND).astype(np.uint8)


def check_weights(weights, rank=None, signed=False):
    """Converts weights to float64 and checks that they can be drawn.

    Args:
        weights: array.
        rank: 1, 2, or a dict, allowed rank -> shape in the message. Defaults to
            `None`, 1 or 2.
        signed: bool. Whether weights may be negative. Defaults to `False`.

    Returns:
        float64 array, the shape of `weights`.

    Raises:
        ValueError: if the rank is not allowed, there is no weight, or one is
            not finite or, unless `signed`, negative.
    """
    weights = np.asarray(weights, np.float64)
    shapes = {1: "(weights,)", 2: "(rows, columns)"}
    if rank is not None:
        shapes = rank if isinstance(rank, dict) else {rank: shapes[rank]}
    if weights.ndim not in shapes or not weights.size:
        raise ValueError(
            f"attention weights must have shape {' or '.join(shapes.values())} "
            f"and not be empty. Received: weights.shape={weights.shape}"
        )
    if not np.isfinite(weights).all() or (weights.min() < 0 and not signed):
        needed = "finite" if signed else "finite and at least 0"
        raise ValueError(
            f"attention weights must be {needed}. "
            f"Received: {weights.min()} to {weights.max()}"
        )
    return weights


def cells_of_pixels(panel, weights):
    """Computes the cell of each pixel of a panel, per axis.

    Args:
        panel: array, `(H, W, ...)`.
        weights: array, `(h, w, ...)`.

    Returns:
        Tuple of int arrays, `(H,)` of rows and `(W,)` of columns of `weights`.
    """
    return tuple(
        np.arange(pixels) * cells // pixels
        for pixels, cells in zip(
            panel.shape[:2], weights.shape[:2], strict=True
        )
    )


def grey_copy(image):
    """Projects the colors of an image on their first principal component.

    Unlike lightness, it distinguishes a yellow shape from a white background.

    Args:
        image: uint8 array, `(H, W, 3)`.

    Returns:
        float array of values 0 to 255, `(H, W, 1)`.
    """
    colors = image.reshape(-1, 3).astype(np.float64)
    mean = colors.mean(axis=0)
    axis = np.linalg.eigh(np.cov(colors - mean, rowvar=False))[1][:, -1]
    axis *= 1 if axis.sum() >= 0 else -1  # light stays light
    grey = mean.mean() + (colors - mean) @ axis
    return grey.clip(0, 255).reshape(*image.shape[:2], 1)


def _fractions(weights, highest):
    """Divides weights by the highest one and clips them to [0, 1]."""
    highest = weights.max() if highest is None else highest
    return (weights / highest).clip(0, 1) if highest > 0 else weights


def _frame(mixed, inside):
    """Draws a white frame between dark lines along the border, in place."""
    side = min(inside.any(axis=0).sum(), inside.any(axis=1).sum())
    if side < 12:  # the frame would hide the cell
        return
    thickness = min(3, side // 8)
    mixed[_rim(inside, thickness + 2)] = 20
    mixed[_rim(_shrunk(inside, 1), thickness)] = 255


def _rim(inside, pixels):
    return inside & ~_shrunk(inside, pixels)


def _shrunk(inside, pixels):
    """Removes the pixels of `inside` within `pixels` of its border."""
    shrunk = inside.copy()
    for axis in (0, 1):
        for step in (pixels, -pixels):
            shrunk &= np.roll(inside, step, axis)
    return shrunk
