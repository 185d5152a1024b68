"""The regions of an image, however they are stored."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

MAX_BYTES = 64 * 2**20  # per row or array; 100 regions of 2048 take 1.1 MB

# Published names of each column of a table or array of a file.
NAMES = {
    "image_id": ("image_id", "img_id"),
    "width": ("image_w", "img_w", "image_width", "img_width", "width"),
    "height": ("image_h", "img_h", "image_height", "img_height", "height"),
    "num_boxes": ("num_boxes", "num_bbox", "num_bboxes", "num_box"),
    "boxes": ("boxes", "bbox", "bboxes", "image_bboxes"),
    "features": ("features", "feature", "x", "image_feat", "image_features"),
}


class Regions(NamedTuple):
    """The regions of an image.

    Args:
        features: float32 array `(M, C)`.
        boxes: float32 array `(M, 4)`, x1, y1, x2, y2 in pixels.
        image_size: `(height, width)` of the image, or None if the file omits
            it.
    """

    features: np.ndarray
    boxes: np.ndarray
    image_size: tuple[int, int] | None


class UnreadableFeatures(ValueError):
    """Raised if the region features of an image cannot be used.

    Args:
        reason: one of "missing_features", "truncated_row", "damaged_row",
            "no_image_id", "wrong_image_size", "wrong_num_boxes",
            "damaged_base64", "ambiguous_dtype", "wrong_dtype", "not_finite",
            "damaged_file", "missing_arrays", "ambiguous_arrays",
            "pickled_objects", "wrong_shape", "ambiguous_shape", "too_large" and
            "unreadable_file".
        image_id: str, image_id of the row, or None (default) if unreadable.
    """

    def __init__(self, reason: str, image_id: str | None = None):
        super().__init__(
            f"Region features must be readable. Received: {reason}"
        )
        self.reason = reason
        self.image_id = image_id


def named(role: str, names: Iterable[str]) -> list[str]:
    """Returns those of the names that stand for a role of `NAMES`."""
    return [name for name in names if name.strip().lower() in NAMES[role]]


def checked(
    features: np.ndarray, boxes: np.ndarray, size: tuple[int, int] | None
) -> Regions:
    """Returns the `Regions` of valid arrays, in float32.

    Raises:
        UnreadableFeatures: if a value is not finite.
    """
    with np.errstate(over="ignore"):
        features = features.astype("<f4", copy=False)
        boxes = boxes.astype("<f4", copy=False)
    if not (np.isfinite(features).all() and np.isfinite(boxes).all()):
        raise UnreadableFeatures("not_finite")
    return Regions(features, boxes, size)
