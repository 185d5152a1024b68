"""Whether a heat map lies on the object that the question is about."""

import numpy as np


def object_mask(image):
    """Marks the pixels that differ from the image's most common color.

    Right for drawings of shapes on a plain background, such as easy-VQA; a
    photograph needs a mask from its annotations. An object that fills most of
    the image is taken for the background.

    Args:
        image: uint8 array, `(H, W, 3)`.

    Returns:
        bool array, `(H, W)`.

    Raises:
        ValueError: if `image` is not of that type and rank.
    """
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3:
        raise ValueError(
            "`image` must be uint8 of shape (height, width, 3). "
            f"Received: {image.dtype} of shape {image.shape}"
        )
    red, green, blue = np.moveaxis(image.astype(np.int32), -1, 0)
    code = (red << 16) + (green << 8) + blue  # (H, W), one number a color
    colors, counts = np.unique(code, return_counts=True)
    return code != colors[counts.argmax()]


def covered_cells(mask, grid_shape):
    """Marks the cells of a grid that hold at least one object pixel.

    Cell (i, j) of an (h, w) grid is the part of the image from i/h to (i+1)/h
    of its height and from j/w to (j+1)/w of its width; where a border cuts a
    pixel, the pixel belongs to both sides.

    Args:
        mask: bool array, `(H, W)`, such as `object_mask` gives.
        grid_shape: `(h, w)`.

    Returns:
        bool array, `(h, w)`.

    Raises:
        ValueError: if `mask` is not a non-empty image or `grid_shape` is not
            two positive numbers.
    """
    mask = np.asarray(mask, bool)
    if mask.ndim != 2 or mask.size == 0:
        raise ValueError(
            "`mask` must have shape (height, width) and hold a pixel. "
            f"Received: mask.shape={mask.shape}"
        )
    if len(grid_shape) != 2 or min(grid_shape) < 1:
        raise ValueError(
            "`grid_shape` must be (rows, columns), both at least 1. "
            f"Received: {grid_shape}"
        )
    above = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), np.int64)
    above[1:, 1:] = mask.cumsum(axis=0).cumsum(axis=1)  # object pixels before
    top, bottom = _borders(mask.shape[0], grid_shape[0])
    left, right = _borders(mask.shape[1], grid_shape[1])
    pixels = (
        above[np.ix_(bottom, right)]
        - above[np.ix_(top, right)]
        - above[np.ix_(bottom, left)]
        + above[np.ix_(top, left)]
    )
    return pixels > 0


def grounding(weights, covered):
    """Share of heat maps that lie on the object, and what chance gives.

    - `peak`: share of maps whose largest weight is on a covered cell. Cells
      that share the largest weight share the vote, so a uniform map scores
      what chance does.
    - `mass`: mean share of a map's weight that is on covered cells.
    - `chance`: mean share of cells that are covered, which a map that knows
      nothing scores in both.

    A map of zeros points nowhere: it scores 0 in `peak` and `mass`. So does
    any map of an image without an object.

    Args:
        weights: float array, `(n, h, w)`, attention over the cells.
        covered: bool array, `(n, h, w)`, such as `covered_cells` gives.

    Returns:
        `{"peak": percent, "mass": percent, "chance": percent}`.

    Raises:
        ValueError: if the shapes differ, there is no map, or a weight is
            negative or not finite.
    """
    weights = np.asarray(weights, np.float64)
    covered = np.asarray(covered, bool)
    if weights.ndim != 3 or weights.shape != covered.shape or not weights.size:
        raise ValueError(
            "`weights` and `covered` must both have shape (maps, rows, "
            f"columns). Received: {weights.shape} and {covered.shape}"
        )
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise ValueError(
            "`weights` must be finite and at least 0. "
            f"Received: {weights.min()} to {weights.max()}"
        )
    cells = (1, 2)
    highest = weights.max(axis=cells, keepdims=True)
    peaks = (weights == highest) & (highest > 0)  # (n, h, w)
    share_of_peaks = (peaks & covered).sum(axis=cells) / np.maximum(
        peaks.sum(axis=cells), 1
    )
    total = weights.sum(axis=cells)
    share_of_mass = (weights * covered).sum(axis=cells) / np.where(
        total > 0, total, 1
    )
    return {
        "peak": 100 * float(share_of_peaks.mean()),
        "mass": 100 * float(share_of_mass.mean()),
        "chance": 100 * float(covered.mean()),
    }


def _borders(num_pixels, num_cells):
    """First pixel of each cell, and the one after its last."""
    cells = np.arange(num_cells)
    first = cells * num_pixels // num_cells
    end = -(-(cells + 1) * num_pixels // num_cells)  # rounded up
    return first, end
