"""Scales pictures, eagerly and in graphs, to equal pixels."""

import numpy as np
import tensorflow as tf


def resize(image, size):
    """Scales pictures to a size, bilinear and antialiased.

    Works eagerly on arrays and inside `tf.data`, with equal results. A picture
    that has the size already is not changed.

    Args:
        image: uint8 array or tensor, `(H, W, 3)` or `(B, H, W, 3)`.
        size: `(height, width)`.

    Returns:
        uint8, an array for an array and a tensor for a tensor.
    """
    if tuple(image.shape[-3:-1]) == tuple(size):
        return image
    if isinstance(image, np.ndarray):
        return _compiled_scale(image, tuple(size)).numpy()
    return _scale(image, size)


def _scale(image, size):
    scaled = tf.image.resize(image, size, antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(scaled), 0, 255), tf.uint8)


_compiled_scale = tf.function(_scale, reduce_retracing=True)
