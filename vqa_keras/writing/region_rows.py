"""Reads the region features of one image: a TSV row or an .npz file.

The TSV format is that of bottom-up attention, without a header, columns

    image_id  image_w  image_h  num_boxes  boxes  features

where boxes (num_boxes, 4) and features (num_boxes, C) are base64 of raw
little-endian float32. An .npz file has the arrays `features` or `x` (M, C),
`boxes` or `bbox` (M, 4), and optionally `image_w` and `image_h`, or
`image_size` (height, width). Boxes are x1, y1, x2, y2 in pixels.
"""

import binascii
import os
import zipfile
import zlib
from typing import Any
from typing import NamedTuple

import numpy as np

COLUMNS = (
    b"image_id",
    b"image_w",
    b"image_h",
    b"num_boxes",
    b"boxes",
    b"features",
)
MAX_BYTES = 64 * 2**20  # per row or array; 100 regions of 2048 take 1.1 MB


class Regions(NamedTuple):
    """The regions of an image.

    Args:
        features: float32 array `(M, C)`.
        boxes: float32 array `(M, 4)`, x1, y1, x2, y2 in pixels.
        image_size: `(height, width)` of the image, or None if an .npz file
            omits it.
    """

    features: np.ndarray
    boxes: np.ndarray
    image_size: tuple[int, int] | None


class UnreadableFeatures(ValueError):
    """Raised if the region features of an image cannot be used.

    Args:
        reason: one of "missing_features", "truncated_row", "damaged_row",
            "no_image_id", "wrong_image_size", "wrong_num_boxes",
            "damaged_base64", "not_finite", "damaged_file", "missing_arrays",
            "wrong_shape", "too_large" and "unreadable_file".
        image_id: str, image_id of the row, or None (default) if unreadable.
    """

    def __init__(self, reason: str, image_id: str | None = None):
        super().__init__(
            f"Region features must be readable. Received: {reason}"
        )
        self.reason = reason
        self.image_id = image_id


def parse_row(row: bytes) -> tuple[str, Regions]:
    """Parses a row of a bottom-up-attention TSV file.

    Args:
        row: bytes of the line, with or without the line end.

    Returns:
        image_id and `Regions`.

    Raises:
        UnreadableFeatures: with the reason and, if readable, the image_id.
    """
    columns = row.rstrip(b"\r\n").split(b"\t")
    try:
        # An image_id without a tab after it may be truncated.
        image_id = columns[0].decode() if len(columns) > 1 else ""
    except UnicodeDecodeError:
        image_id = ""
    if not image_id:
        raise UnreadableFeatures("no_image_id")
    try:
        return image_id, _parse_columns(columns)
    except UnreadableFeatures as error:
        error.image_id = image_id
        raise


def _parse_columns(columns: list[bytes]) -> Regions:
    if len(columns) != len(COLUMNS):
        short = len(columns) < len(COLUMNS)
        raise UnreadableFeatures("truncated_row" if short else "damaged_row")
    width = _natural(columns[1], "wrong_image_size")
    height = _natural(columns[2], "wrong_image_size")
    regions = _natural(columns[3], "wrong_num_boxes")
    boxes = _floats(columns[4])
    features = _floats(columns[5])
    if boxes.size != 4 * regions:
        raise UnreadableFeatures("wrong_num_boxes")
    if features.size < regions or features.size % regions:
        raise UnreadableFeatures("truncated_row")
    return _checked(
        features.reshape(regions, -1),
        boxes.reshape(regions, 4),
        (height, width),
    )


def _natural(column: bytes, reason: str) -> int:
    if not column.isdigit() or len(column) > 9 or int(column) == 0:
        raise UnreadableFeatures(reason)
    return int(column)


def _floats(column: bytes) -> np.ndarray:
    try:
        raw = binascii.a2b_base64(column, strict_mode=True)
    except ValueError:
        # A truncated column may lack part of its last group.
        reason = "truncated_row" if len(column) % 4 else "damaged_base64"
        raise UnreadableFeatures(reason) from None
    if len(raw) % 4:
        raise UnreadableFeatures("truncated_row")
    return np.frombuffer(raw, "<f4")


def read_npz(path: str | os.PathLike[str]) -> Regions:
    """Reads the .npz file of an image; never loads pickled objects.

    Args:
        path: str or path of the file.

    Returns:
        `Regions`.

    Raises:
        UnreadableFeatures: with the reason.
    """
    try:
        with (
            open(path, "rb") as file,
            np.load(file, allow_pickle=False) as arrays,
        ):
            features = _array(arrays, "features", "x")
            boxes = _array(arrays, "boxes", "bbox")
            size = _image_size(arrays)
    except UnreadableFeatures:
        raise
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise UnreadableFeatures("unreadable_file") from None
    except (
        OSError,
        ValueError,  # also: a pickle instead of numbers
        TypeError,  # also: an .npy file under another name
        EOFError,
        KeyError,  # a member that is not an .npy file
        MemoryError,  # a header with an impossible shape
        NotImplementedError,
        RuntimeError,
        zipfile.BadZipFile,
        zlib.error,
    ):
        raise UnreadableFeatures("damaged_file") from None
    if features is None or boxes is None:
        raise UnreadableFeatures("missing_arrays")
    if (
        features.ndim != 2
        or not features.size
        or boxes.shape != (len(features), 4)
    ):
        raise UnreadableFeatures("wrong_shape")
    return _checked(features, boxes, size)


def _array(arrays: Any, *names: str) -> np.ndarray | None:
    for name in names:
        if name in arrays.files:
            # zipfile reads no more bytes of a member than declared, and the
            # memory of a larger array is never touched.
            member = arrays.zip.getinfo(f"{name}.npy")
            if member.file_size > MAX_BYTES:
                raise UnreadableFeatures("too_large")
            values = arrays[name]
            if 4 * values.size > MAX_BYTES:
                raise UnreadableFeatures("too_large")
            return values.astype("<f4")
    return None


def _image_size(arrays: Any) -> tuple[int, int] | None:
    size = _array(arrays, "image_size")
    if size is None:
        height = _array(arrays, "image_h")
        width = _array(arrays, "image_w")
        if height is None or width is None:
            return None
        size = np.append(height, width)
    size = size.ravel()
    if size.shape != (2,) or not (size >= 1).all() or (size > 1e9).any():
        raise UnreadableFeatures("wrong_image_size")
    return int(size[0]), int(size[1])


def _checked(
    features: np.ndarray, boxes: np.ndarray, size: tuple[int, int] | None
) -> Regions:
    if not (np.isfinite(features).all() and np.isfinite(boxes).all()):
        raise UnreadableFeatures("not_finite")
    return Regions(features, boxes, size)
