"""Prepares raw images for an image encoder, eagerly and in graphs."""

import numpy as np
from keras_hub.src.utils.tensor_utils import in_tf_function

from vqa_keras.image_encoders.resize import resize
from vqa_keras.images import decode


def prepare(images, size):
    """Decodes and resizes raw images for an image encoder.

    Args:
        images: eagerly, a list of any inputs of `vqa_keras.images.decode` or an
            array with a batch axis; in a `tf.data` pipeline a tensor
            `(B, H, W)` or `(B, H, W, C)` of gray, RGB or RGBA images.
        size: `(height, width)` of the result.

    Returns:
        uint8, `(B, height, width, 3)`: an array, or a tensor in a pipeline.

    Raises:
        ValueError: as `decode` does. In a pipeline, floats within -1 and 1
            raise TensorFlow's InvalidArgumentError instead.
    """
    if in_tf_function():
        return resize(_in_graph(images), size)
    pixels = []
    for i, image in enumerate(images):
        repeated = i and image is images[i - 1]
        pixels.append(pixels[-1] if repeated else resize(decode(image), size))
    return np.stack(pixels)


def _in_graph(images):
    """Converts a tensor of images to the pixels of `decode` in a graph."""
    import tensorflow as tf

    if images.shape.rank == 3:
        images = images[..., None]
    channels = images.shape[-1]
    if images.shape.rank != 4 or channels not in (1, 3, 4):
        raise ValueError(
            "`images` must have shape (batch, height, width, channels) of 1, 3 "
            f"or 4 channels. Received: images.shape={tuple(images.shape)}"
        )
    if images.dtype.is_floating:
        message = (
            "Images must hold values from 0 to 255. Received: floats within -1 "
            "and 1, which are scaled or normalized"
        )
        outside = tf.reduce_any(tf.abs(images) > 1)
        with tf.control_dependencies([tf.debugging.Assert(outside, [message])]):
            images = tf.round(images)
    images = tf.cast(images, tf.uint8)
    if channels == 4:  # blended with white, in the integers of Pillow
        color, alpha = (
            tf.cast(part, tf.int32)
            for part in (images[..., :3], images[..., 3:])
        )
        blend = color * alpha + 255 * (255 - alpha) + 128
        images = tf.cast((blend + blend // 256) // 256, tf.uint8)
    return tf.repeat(images, 3, axis=-1) if channels == 1 else images
