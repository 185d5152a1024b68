"""Reads the header of a BMP, and its colors, in graphs."""

import tensorflow as tf

from vqa_keras.serving.file_bytes import checked
from vqa_keras.serving.file_bytes import number

_HEADERS = [40, 52, 56, 108, 124]  # bytes of the versions 3 to 5
_FILE_HEADER = 14
_MAX_SIDE = 2**24 - 1


def read(data):
    """Reads the header of a BMP.

    Args:
        data: uint8, the bytes of the file.

    Returns:
        pixels: int64, their number.
        form: int32, 0 for 24 bits, 1 for 8 bits and a palette. Others fail.
    """
    start = number(data, 10, 4, True)
    header = number(data, 14, 4, True)
    width = number(data, 18, 4, True)
    height = number(data, 22, 4, True)
    height = tf.where(height >= 2**31, 2**32 - height, height)
    bits = number(data, 28, 2, True)
    colors = _colors(data)
    plain = tf.reduce_any(header == _HEADERS) & (number(data, 30, 4) == 0)
    plain &= (width <= _MAX_SIDE) & (height <= _MAX_SIDE)
    with_palette = (bits == 8) & (colors > 2) & (colors <= 256)
    palette_end = _FILE_HEADER + header + 4 * colors
    inside = tf.where(bits == 8, palette_end, _FILE_HEADER + header) <= start
    known = plain & inside & ((bits == 24) | with_palette)
    with checked(known, "form"):
        return width * height, tf.cast(bits == 8, "int32")


def palette(data):
    """Returns the palette of a BMP: uint8 `(256, 3)`, and its colors."""
    start = _FILE_HEADER + number(data, 14, 4, True)
    colors = _colors(data)
    table = tf.reshape(data[start : start + 4 * colors], [-1, 4])
    table = tf.pad(table[:, 2::-1], [[0, 256 - tf.shape(table)[0]], [0, 0]])
    return tf.ensure_shape(table, [256, 3]), colors


def _colors(data):
    used = number(data, 46, 4, True)
    return tf.where(used == 0, tf.constant(256, "int64"), used)
