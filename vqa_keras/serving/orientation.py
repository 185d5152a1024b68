"""Reads and applies the orientation of photographs, in graphs.

As Pillow does: the tag of EXIF, else that of XMP.
"""

import tensorflow as tf

from vqa_keras.image_encoders.resize import resize
from vqa_keras.serving.file_bytes import factors
from vqa_keras.serving.file_bytes import number

_TAG = 0x0112
_ENTRY = 12  # bytes of a tag: number, type, count, value
# Bytes per value of the types 0 to 13; Pillow skips others.
_SIZES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4]
_INTEGERS = [(3, 2), (4, 4), (8, 2), (9, 4)]  # types and their widths
_XMP = r'(?s)\C*?tiff:Orientation(?:="|>)([0-9])\C*'


def orientation(exif, xmp):
    """Returns the orientation of an image, 1 if it is upright or unknown.

    Args:
        exif: string, EXIF data from its byte order on; "" for none.
        xmp: string, XMP data; "" for none.

    Returns:
        int32 scalar.
    """
    data = tf.io.decode_raw(exif, tf.uint8)
    starts = [b"II*\0", b"MM\0*"]
    known = tf.reduce_any(tf.strings.substr(exif, 0, 4) == starts)
    known &= tf.size(data) >= 8
    found = tf.cond(known, lambda: _of_exif(data), lambda: 0)
    # Damaged EXIF data is no reason for Pillow to read XMP.
    of_xmp = (found == 0) & (known | (exif == ""))
    of_xmp &= tf.strings.regex_full_match(xmp, _XMP)
    return tf.cond(
        of_xmp,
        lambda: tf.strings.to_number(
            tf.strings.regex_replace(xmp, _XMP, r"\1"), tf.int32
        ),
        lambda: found,
    )


def upright(image, orientation, size):
    """Resizes an image and turns the small one, which takes less memory.

    Args:
        image: uint8, `(H, W, 3)`.
        orientation: int32 scalar, as in EXIF.
        size: `(height, width)` of the result.

    Returns:
        uint8, `(height, width, 3)`.
    """
    height, width = size
    return tf.cond(
        orientation == 1,
        lambda: resize(image, size),
        lambda: _turned(image, orientation, height, width),
    )


def _turned(image, orientation, height, width):
    image = tf.cond(
        (orientation >= 5) & (orientation <= 8),
        lambda: tf.transpose(resize(image, (width, height)), [1, 0, 2]),
        lambda: resize(image, (height, width)),
    )
    mirrored = tf.reduce_any(orientation == [2, 3, 6, 7])
    upside_down = tf.reduce_any(orientation == [3, 4, 7, 8])
    image = tf.where(mirrored, tf.reverse(image, [1]), image)
    return tf.where(upside_down, tf.reverse(image, [0]), image)


def _of_exif(data):
    """Returns the orientation of EXIF data; 0 if it has none."""
    little = data[0] == ord("I")
    start = number(data, 4, 4, little)
    counted = data[start : start + 2]
    return tf.cond(
        tf.size(counted) == 2,
        lambda: _of_entries(data, start, little),
        lambda: 0,
    )


def _of_entries(data, start, little):
    count = number(data, start, 2, little)
    entries = data[start + 2 : start + 2 + count * _ENTRY]
    entries = entries[: tf.size(entries) // _ENTRY * _ENTRY]
    entries = tf.reshape(entries, [-1, _ENTRY])

    def column(first, width):
        part = tf.cast(entries[:, first : first + width], "int64")
        return tf.reduce_sum(part * factors(width, little), axis=1)

    tags, kinds, counts, values = (
        column(first, width)
        for first, width in ((0, 2), (2, 2), (4, 4), (8, 4))
    )
    sizes = tf.gather(
        tf.constant(_SIZES + [0], "int64"), tf.minimum(kinds, len(_SIZES))
    )
    sizes *= counts
    # Pillow reads no further than values that are cut off.
    cut = (sizes > 4) & (values + sizes > tf.size(data, "int64"))
    whole = tf.cumsum(tf.cast(cut, "int32")) == 0
    ours = tf.where(whole & (tags == _TAG) & (sizes > 0))[:, 0]

    def value():
        last = ours[-1]  # the one of equal tags that Pillow keeps
        found = tf.constant(1, "int64")
        for kind, width in _INTEGERS:
            match = (kinds[last] == kind) & (counts[last] == 1)
            found = tf.where(match, column(8, width)[last], found)
        return tf.cast(found, "int32")

    return tf.cond(tf.size(ours) > 0, value, lambda: 0)
