"""Reads the header of a BMP, and its colors, in graphs."""

import tensorflow as tf

from vqa_keras.serving import image_file
from vqa_keras.serving.file_bytes import checked
from vqa_keras.serving.file_bytes import number

_HEADERS = [40, 52, 56, 108, 124]  # bytes of the versions 3 to 5
_FILE_HEADER = 14
_MAX_SIDE = 2**24 - 1


def read(content, max_pixels):
    """Returns the `ImageFile` of a BMP of 24 bits, or of 8 and a palette."""
    data = tf.io.decode_raw(content, tf.uint8)
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
        width = tf.identity(width)

    def decode():
        return tf.cond(
            bits == 8,
            lambda: _of_palette(content, *_palette(data)),
            lambda: tf.io.decode_bmp(content, channels=3),
        )

    return image_file.ImageFile(height, width, bits == 8, decode)


def _of_palette(content, table, colors):
    indices = tf.io.decode_bmp(content)
    highest = tf.cast(tf.reduce_max(indices), "int64")
    with checked(highest < colors, "color"):
        indices = tf.identity(indices)
    return image_file.by_strips(
        lambda strip: tf.gather(table, tf.cast(strip[..., 0], "int32")),
        indices,
    )


def _palette(data):
    """Returns the palette of a BMP: uint8 `(256, 3)`, and its colors."""
    start = _FILE_HEADER + number(data, 14, 4, True)
    colors = _colors(data)
    table = tf.reshape(data[start : start + 4 * colors], [-1, 4])
    table = tf.pad(table[:, 2::-1], [[0, 256 - tf.shape(table)[0]], [0, 0]])
    return tf.ensure_shape(table, [256, 3]), colors


def _colors(data):
    used = number(data, 46, 4, True)
    return tf.where(used == 0, tf.constant(256, "int64"), used)
