"""Measures whether heat maps are on the object of the question."""

import numpy as np


def object_mask(image):
    """Marks the pixels that differ from the image's most common color.

    Suits drawings of shapes on a plain background, such as easy-VQA; a
    photograph requires a mask from annotations. Fails for an object that
    covers most of the image, which counts as background.

    Args:
        image: uint8 array, `(H, W, 3)`.

    Returns:
        bool array, `(H, W)`.

    Raises:
        ValueError: if `image` has another dtype or shape.
    """
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3:
        raise ValueError(
            "`image` must be uint8 of shape (height, width, 3). "
            f"Received: {image.dtype} of shape {image.shape}"
        )
    red, green, blue = np.moveaxis(image.astype(np.int32), -1, 0)
    code = (red << 16) + (green << 8) + blue  # (H, W), one number per color
    colors, counts = np.unique(code, return_counts=True)
    return code != colors[counts.argmax()]


def boxes_mask(boxes, image_size):
    """Marks the pixels that are in a box, completely or partly.

    Boxes are clipped to the image; a box without area marks no pixel.

    Args:
        boxes: float array, `(N, 4)`: x1, y1, x2, y2 in pixels from the upper
            left corner of the image; an empty list for none.
        image_size: `(H, W)` of the image.

    Returns:
        bool array, `(H, W)`.

    Raises:
        ValueError: if `boxes` has another shape or a number in it is not
            finite.
    """
    height, width = image_size
    mask = np.zeros((height, width), bool)
    for x1, y1, x2, y2 in _checked_boxes("boxes", boxes):
        if x1 < x2 and y1 < y2:
            left, right = np.clip((np.floor(x1), np.ceil(x2)), 0, width)
            top, bottom = np.clip((np.floor(y1), np.ceil(y2)), 0, height)
            mask[int(top) : int(bottom), int(left) : int(right)] = True
    return mask


def covered_regions(boxes, object_boxes, least_overlap=0.5):
    """Marks the regions of an object by intersection over union.

    A region counts if the intersection of the two boxes is at least half of
    their union, as in object detection and phrase localization. A region of
    the whole image thus covers no small object, although it contains it.

    Args:
        boxes: float array, `(M, 4)`, the regions: x1, y1, x2, y2.
        object_boxes: float array, `(N, 4)`, in the same unit; an empty list
            for none.
        least_overlap: float above 0, the least intersection over union.
            Defaults to 0.5.

    Returns:
        bool array, `(M,)`, True where a region meets the criterion with any
        object.

    Raises:
        ValueError: if boxes have another shape or a number is not finite.

    Reference:
        [Plummer et al., 2015](https://arxiv.org/abs/1505.04870), "Flickr30k
        Entities".
    """
    boxes = _checked_boxes("boxes", boxes)[:, None]
    objects = _checked_boxes("object_boxes", object_boxes)
    low = np.maximum(boxes[..., :2], objects[:, :2])
    high = np.minimum(boxes[..., 2:], objects[:, 2:])
    intersection = np.maximum(high - low, 0).prod(axis=-1)  # (M, N)
    union = _areas(boxes) + _areas(objects) - intersection
    covered = (intersection >= least_overlap * union) & (intersection > 0)
    return covered.any(axis=1)


def covered_cells(mask, grid_shape):
    """Marks the cells of a grid that contain at least one object pixel.

    Cell (i, j) of an (h, w) grid is the part of the image from i/h to (i+1)/h
    of its height and from j/w to (j+1)/w of its width. A pixel that a border
    cuts belongs to both cells.

    Args:
        mask: bool array, `(H, W)`, such as the result of `object_mask`.
        grid_shape: `(h, w)` of the grid.

    Returns:
        bool array, `(h, w)`.

    Raises:
        ValueError: if `mask` is empty or not of rank 2, or `grid_shape` is not
            two positive numbers.
    """
    mask = np.asarray(mask, bool)
    if mask.ndim != 2 or mask.size == 0:
        raise ValueError(
            "`mask` must have shape (height, width) and at least one pixel. "
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


def grounding(weights, covered, mask=None):
    """Computes pointing accuracy, mass on the object, and their chance level.

    - `pointing_accuracy`: the accuracy of the pointing game, the percentage of
      maps whose largest weight is on a covered cell.
    - `mass`: mean percentage of a map's weight on covered cells.
    - `chance`: mean percentage of covered cells, the score of a uniform map in
      both.

    A map of zeros scores 0 in `pointing_accuracy` and `mass`, and so does any
    map of an image without an object.

    Departures from the pointing game:

    - A hit is the largest weight on a covered cell or region, not a maximum
      pixel on the object, and there is no tolerance margin in pixels.
    - Cells that tie for the largest weight split the vote, so that a uniform
      map scores chance.

    Args:
        weights: float array, attention over cells, `(n, h, w)`, or over
            regions, `(n, M)`.
        covered: bool array of that shape, such as the results of
            `covered_cells` or `covered_regions` for each map.
        mask: bool array of that shape, False at padding, where an image has
            fewer than M regions. Defaults to `None`, no padding.

    Returns:
        `{"pointing_accuracy": percent, "mass": percent, "chance": percent}`.

    Raises:
        ValueError: if the shapes differ, there is no map, a map is all
            padding, or a weight is negative or not finite.

    Example:
    >>> weights = np.array([[[0.7, 0.1], [0.1, 0.1]]])
    >>> grounding(weights, np.array([[[True, False], [False, False]]]))
    {'pointing_accuracy': 100.0, 'mass': 70.0, 'chance': 25.0}

    Reference:
        [Zhang et al., 2016](https://arxiv.org/abs/1608.00507), "Top-down
        Neural Attention by Excitation Backprop".
    """
    weights = np.asarray(weights, np.float64)
    covered = np.asarray(covered, bool)
    mask = np.ones(covered.shape, bool) if mask is None else np.asarray(mask)
    if (
        weights.ndim not in (2, 3)
        or not weights.shape == covered.shape == mask.shape
        or not weights.size
    ):
        raise ValueError(
            "`weights`, `covered` and `mask` must have the same shape, (maps, "
            "rows, columns) or (maps, regions), and at least one map. "
            f"Received: {weights.shape}, {covered.shape} and {mask.shape}"
        )
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise ValueError(
            "`weights` must be finite and at least 0. "
            f"Received: {weights.min()} to {weights.max()}"
        )
    weights, covered, mask = (
        array.reshape(len(array), -1)
        for array in (weights * mask, covered & mask, mask)
    )
    if not mask.any(axis=1).all():
        raise ValueError(
            "`mask` must be True in at least one cell of every map. Received: "
            f"map {mask.any(axis=1).argmin()} without one"
        )
    highest = weights.max(axis=1, keepdims=True)
    peaks = (weights == highest) & (highest > 0)
    total = weights.sum(axis=1)
    return {
        "pointing_accuracy": _percent(
            peaks & covered, np.maximum(peaks.sum(axis=1), 1)
        ),
        "mass": _percent(weights * covered, np.where(total > 0, total, 1)),
        "chance": _percent(covered, mask.sum(axis=1)),
    }


def _percent(parts, wholes):
    return 100 * float((parts.sum(axis=1) / wholes).mean())


def _checked_boxes(name, boxes):
    boxes = np.asarray(boxes, np.float64)
    if boxes.size == 0:
        boxes = boxes.reshape(0, 4)
    if boxes.ndim != 2 or boxes.shape[1] != 4 or not np.isfinite(boxes).all():
        raise ValueError(
            f"`{name}` must be finite, of shape (boxes, 4). "
            f"Received: {boxes.tolist()}"[:300]
        )
    return boxes


def _areas(boxes):
    return np.maximum(boxes[..., 2:] - boxes[..., :2], 0).prod(axis=-1)


def _borders(num_pixels, num_cells):
    """Returns the first pixel of each cell, and the one after its last."""
    cells = np.arange(num_cells)
    first = cells * num_pixels // num_cells
    end = -(-(cells + 1) * num_pixels // num_cells)  # rounded up
    return first, end
