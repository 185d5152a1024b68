"""Reads numbers and blocks of a file's bytes, in graphs.

Every function fails the element of a dataset, by an error of TensorFlow, where
bytes are missing.
"""

import tensorflow as tf

_MAX_STEPS = 1000  # of a walk over blocks; files of cameras take 20
_CRC_POLYNOMIAL = 0xEDB88320


def number(data, position, width, little=False):
    """Returns an unsigned integer of the bytes of a file.

    Args:
        data: uint8, `(bytes,)`.
        position: int or int64, of the first byte.
        width: int, number of bytes.
        little: bool or bool tensor. Whether the lowest byte is the first.
            Defaults to `False`.

    Returns:
        int64 scalar.
    """
    position = tf.cast(position, "int64")
    part = tf.ensure_shape(data[position : position + width], [width])
    return tf.reduce_sum(tf.cast(part, "int64") * factors(width, little))


def factors(width, little):
    """Returns what each byte of a number counts, int64 `(width,)`."""
    rising = [256**place for place in range(width)]
    if isinstance(little, bool):
        return tf.constant(rising if little else rising[::-1], "int64")
    return tf.where(little, factors(width, True), factors(width, False))


def part(content, position, length):
    """Returns at most `length` bytes of a string from a position on."""
    end = tf.cast(tf.strings.length(content), "int64")
    position = tf.minimum(tf.cast(position, "int64"), end)
    return tf.strings.substr(content, position, tf.cast(length, "int64"))


def starts_with(content, start):
    """Returns whether a string begins with bytes."""
    return tf.strings.substr(content, 0, len(start)) == start


def walk(condition, step, state):
    """Runs `tf.while_loop` for at most 1,000 steps; fails if more are left."""
    state = tf.while_loop(condition, step, state, maximum_iterations=_MAX_STEPS)
    left = condition(*state)
    with checked(tf.logical_not(left), "too many blocks"):
        return [tf.identity(value) for value in state]


def checked(condition, reason):
    """Returns a context whose operations run only if a condition holds."""
    return tf.control_dependencies([tf.debugging.Assert(condition, [reason])])


def equal_blocks(data, position, size, width):
    """Counts the blocks of one size that begin with equal bytes.

    Steps over all of them at once: long files have thousands.

    Args:
        data: uint8, `(bytes,)`.
        position: int64, of the first block.
        size: int64, bytes of a block.
        width: int, number of the bytes that are compared.

    Returns:
        int64 scalar, at least 1.
    """
    end = tf.size(data, "int64") - width + 1
    starts = tf.range(position, tf.maximum(end, position + 1), size)
    heads = tf.gather(data, starts[:, None] + tf.range(width, dtype="int64"))
    same = tf.reduce_all(heads == heads[0], axis=1)
    ahead = tf.math.cumprod(tf.cast(same, "int64"))
    return tf.reduce_sum(ahead)


def crc32(data):
    """Computes the checksum that ends a chunk of a PNG.

    Args:
        data: uint8, `(bytes,)`; a step per byte, so these must be few.

    Returns:
        int64 scalar.
    """
    table = tf.constant([_crc_of_byte(byte) for byte in range(256)], "int64")

    def step(place, value):
        index = tf.bitwise.bitwise_xor(value, tf.cast(data[place], "int64"))
        rest = tf.bitwise.right_shift(value, tf.constant(8, "int64"))
        known = tf.gather(table, tf.bitwise.bitwise_and(index, 255))
        return place + 1, tf.bitwise.bitwise_xor(known, rest)

    _, value = tf.while_loop(
        lambda place, _: place < tf.size(data),
        step,
        [tf.constant(0), tf.constant(0xFFFFFFFF, "int64")],
    )
    return tf.bitwise.bitwise_xor(value, 0xFFFFFFFF)


def _crc_of_byte(byte):
    for _ in range(8):
        byte = byte >> 1 ^ (_CRC_POLYNOMIAL if byte & 1 else 0)
    return byte
