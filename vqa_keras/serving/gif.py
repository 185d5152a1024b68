"""Cuts a GIF after its first frame before it is decoded, in graphs."""

import tensorflow as tf

from vqa_keras.serving import file_bytes
from vqa_keras.serving.file_bytes import checked
from vqa_keras.serving.file_bytes import number
from vqa_keras.serving.file_bytes import part
from vqa_keras.serving.image_file import ImageFile

_SCREEN = 13  # bytes of the header
_EXTENSION, _IMAGE = 0x21, 0x2C
_CONTROL = 0xF9
_NO_COLOR = -1
# The decoder returns the frames before the first damaged one, of which it
# returns a part. A frame of one pixel behind it is read only if it is whole.
_SECOND_FRAME = (
    b",\0\0\0\0\1\0\1\0\x80"  # position, size and flags
    b"\0\0\0\0\0\0"  # two colors
    b"\2\2\x44\1\0;"  # the pixel
)


def read(content, max_pixels):
    """Returns the `ImageFile` of the first frame of a GIF.

    The decoder would read all frames. Pixels that are transparent become white.
    """
    data = tf.io.decode_raw(content, tf.uint8)
    width, height = number(data, 6, 2, True), number(data, 8, 2, True)
    common = _table_bytes(number(data, 10, 1))

    def more(position, _):
        return number(data, position, 1) != _IMAGE

    def step(position, color):
        with checked(number(data, position, 1) == _EXTENSION, "block"):
            label = number(data, position + 1, 1)
        flags = number(data, position + 3, 1)
        none = tf.constant(_NO_COLOR, "int64")
        clear = tf.where(flags % 2 == 1, number(data, position + 6, 1), none)
        color = tf.where(label == _CONTROL, clear, color)
        return _end_of_blocks(data, position + 2), color

    position, color = file_bytes.walk(
        more, step, [_SCREEN + common, tf.constant(_NO_COLOR, "int64")]
    )
    place = [number(data, position + i, 2, True) for i in (1, 3, 5, 7)]
    own = _table_bytes(number(data, position + 9, 1))
    left, top, *shape = place
    whole = (left == 0) & (top == 0)
    whole &= (shape[0] == width) & (shape[1] == height)
    with checked(whole & (own + common > 0), "frame"):
        end = _end_of_blocks(data, position + 11 + own)
    frame = part(content, 0, end)
    table = tf.where(own > 0, position + 10, tf.constant(_SCREEN, "int64"))
    size = tf.where(own > 0, own, common)
    entry = table + 3 * color
    with checked(3 * color < size, "color"):
        white = tf.strings.join(
            [
                part(frame, 0, tf.maximum(entry, 0)),
                b"\xff\xff\xff",
                part(frame, tf.maximum(entry, 0) + 3, end),
            ]
        )
    frame = tf.where(color == _NO_COLOR, frame, white)
    file = tf.strings.join([frame, _SECOND_FRAME])

    def decode():
        frames = tf.io.decode_gif(file)
        with checked(tf.shape(frames)[0] == 2, "damaged"):
            return tf.identity(frames[0])

    return ImageFile(height, width, True, decode)


def _table_bytes(flags):
    """Returns the bytes of a table of colors, 0 if there is none."""
    bits = tf.cast(flags % 8 + 1, "int32")
    colors = tf.cast(tf.bitwise.left_shift(1, bits), "int64")
    return tf.where(flags >= 128, 3 * colors, tf.zeros_like(colors))


def _end_of_blocks(data, position):
    """Returns the position after the blocks of an extension or image."""

    def step(position, length):
        size = length + 1
        position += size * file_bytes.equal_blocks(data, position, size, 1)
        return position, number(data, position, 1)

    position, _ = file_bytes.walk(
        lambda _, length: length > 0,
        step,
        [position, number(data, position, 1)],
    )
    return position + 1
