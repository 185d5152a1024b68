"""Decodes the base64 columns of a table of region features.

A column does not say whether it holds float16, float32 or float64. For boxes
the number of bytes tells. For features it leaves a choice, since 4096 bytes per
region are 2048 halves or 1024 floats, and the bits decide: the low half of a
float is a mantissa and looks random, that of a pair of smaller floats is a
value like its neighbor.
"""

import binascii

import numpy as np

from vqa_keras.writing.regions import UnreadableFeatures

_SIZES = (2, 4, 8)  # bytes of a float
_SURE = 8  # bits of evidence, 256 to 1
_MIN_DOUBLES = 8  # fewer may be floats of which every other is zero
_SAMPLE = 4096  # pairs; their evidence is thousands of bits
_ZERO = 64  # category of a value whose bits are all zero
_CATEGORIES = 65


def decode_base64(column: bytes) -> bytes:
    """Returns the bytes of a base64 column.

    Raises:
        UnreadableFeatures: if the column is truncated or damaged.
    """
    try:
        return binascii.a2b_base64(column, strict_mode=True)
    except ValueError:
        # A truncated column may lack part of its last group.
        reason = "truncated_row" if len(column) % 4 else "damaged_base64"
        raise UnreadableFeatures(reason) from None


def boxes_of(raw: bytes, num_boxes: int) -> np.ndarray:
    """Returns the boxes `(num_boxes, 4)` of a column's bytes.

    Raises:
        UnreadableFeatures: if no floating dtype gives that number of boxes.
    """
    if len(raw) % 4:
        raise UnreadableFeatures("truncated_row")
    size = len(raw) / (4 * num_boxes)
    if (
        size not in _SIZES
        # Twice or half the boxes, in float32, have the same number of bytes.
        or (size == 8 and evidence_of_halves(raw, 4) > 0)
        or (size == 2 and evidence_of_halves(raw, 2) < 0)
    ):
        raise UnreadableFeatures("wrong_num_boxes")
    return np.frombuffer(raw, f"<f{size:.0f}").reshape(num_boxes, 4)


def features_of(
    raw: bytes, num_boxes: int, item_size: int | None
) -> np.ndarray:
    """Returns the features `(num_boxes, C)` of a column's bytes.

    Args:
        raw: bytes of the column.
        num_boxes: int.
        item_size: int, bytes per value of the other images, or None if
            unknown. It decides where the bits do not.

    Raises:
        UnreadableFeatures: if the bytes are truncated, or their dtype is
            ambiguous.
    """
    size = _size_of(raw) or item_size
    if size is None and len(raw) // num_boxes % 4 == 2:
        size = 2
    if size is None and not any(raw):
        size = 4  # the documented dtype; zeros are zeros in any
    if size is None:
        raise UnreadableFeatures("ambiguous_dtype")
    if len(raw) < num_boxes * size or len(raw) % (num_boxes * size):
        raise UnreadableFeatures("truncated_row")
    return np.frombuffer(raw, f"<f{size}").reshape(num_boxes, -1)


def _size_of(raw: bytes) -> int | None:
    """Returns the bytes per value, or None if the bits leave it open."""
    if len(raw) % 8 == 0 and evidence_of_halves(raw, 4) <= -_SURE:
        return 8 if len(raw) >= 8 * _MIN_DOUBLES else None
    evidence = evidence_of_halves(raw, 2)
    if abs(evidence) < _SURE:
        return None
    return 2 if evidence > 0 else 4


def evidence_of_halves(raw: bytes, size: int) -> float:
    """Returns the evidence for floats of `size` bytes against twice as many.

    Args:
        raw: bytes of floats, little-endian.
        size: int, 2 or 4.

    Returns:
        float, log2 of the likelihood ratio: positive for floats of `size`
        bytes. Of a pair of them, both come from one distribution. Of a float
        of twice the size, the lower half is zero (every second one) or any
        number; below a higher half of zero it is zero.
    """
    count = len(raw) // (2 * size)
    pairs = np.frombuffer(raw, f"<u{size}", 2 * count).reshape(-1, 2)
    pairs = pairs[:: max(1, count // _SAMPLE)]
    # Sign and five bits of the exponent.
    low, high = np.where(pairs == 0, _ZERO, pairs >> (8 * size - 6)).T
    counts = np.bincount(high.astype("int64"), minlength=_CATEGORIES)
    counts = counts + 1 / _CATEGORIES
    of_halves = np.log2(counts / counts.sum())[low.astype("int64")]
    of_floats = np.where(
        high == _ZERO,
        np.where(low == _ZERO, 0, -16),
        np.where(low == _ZERO, -1, -7),
    )
    return float((of_halves - of_floats).sum())
