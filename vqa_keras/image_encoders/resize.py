"""Resizes images for a network, eagerly and in graphs."""

import functools
import importlib.util

import numpy as np
from keras import ops


def resize(image, size):
    """Resizes images by bilinear interpolation with antialiasing.

    Gives equal results eagerly and inside `tf.data` and exported functions.
    Returns an image that already has the size unchanged.

    Args:
        image: uint8 array or TensorFlow tensor, `(H, W, 3)` or `(B, H, W, 3)`.
        size: `(height, width)` of the result.

    Returns:
        uint8, `(height, width, 3)` or `(B, height, width, 3)`: an array for an
        array, a tensor for a tensor.
    """
    if tuple(image.shape[-3:-1]) == tuple(size):
        return image
    if not isinstance(image, np.ndarray):
        return _scale(image, size)
    if image.ndim == 3:
        return resize(image[None], size)[0]
    return np.asarray(_compiled_scale()(image, tuple(size)))


def _scale(image, size):
    import tensorflow as tf

    scaled = tf.image.resize(image, size, antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(scaled), 0, 255), tf.uint8)


@functools.cache
def _compiled_scale():
    # TensorFlow's function on every backend, so that the pixels do not depend
    # on the backend; the backend's own where TensorFlow is not installed.
    if importlib.util.find_spec("tensorflow") is None:
        return _scale_on_backend
    import tensorflow as tf

    return tf.function(_scale, autograph=False, reduce_retracing=True)


def _scale_on_backend(image, size):
    scaled = ops.image.resize(ops.cast(image, "float32"), size, antialias=True)
    return ops.cast(ops.clip(ops.round(scaled), 0, 255), "uint8")
