"""The header of an image file, and how its pixels are decoded, in graphs."""

from collections.abc import Callable
from typing import Any
from typing import NamedTuple

import tensorflow as tf

_STRIP = 2**18  # pixels whose colors are converted at once


class ImageFile(NamedTuple):
    """What is known of an image before its pixels are decoded.

    Attributes:
        height: int64.
        width: int64.
        heavy: bool. Whether the decoder takes up to twice the memory.
        decode: returns the pixels, uint8 `(height, width, 3)`.
        orientation: int32, as in EXIF, or None if the image is upright.
        handled: bool. Whether `decode` is right for this file.
    """

    height: Any
    width: Any
    heavy: Any
    decode: Callable[[], Any]
    orientation: Any = None
    handled: Any = True


def by_strips(function, image):
    """Returns `function(image)`, computed for some rows at a time.

    Args:
        function: takes pixels `(rows, W, C)`, returns uint8 `(rows, W, 3)`.
        image: `(H, W, C)`.
    """
    rows = tf.maximum(_STRIP // tf.maximum(tf.shape(image)[1], 1), 1)
    count = -(-tf.shape(image)[0] // rows)
    strips = tf.TensorArray(
        tf.uint8, count, infer_shape=False, element_shape=(None, None, 3)
    )
    _, strips = tf.while_loop(
        lambda i, _: i < count,
        lambda i, strips: (
            i + 1,
            strips.write(i, function(image[i * rows : (i + 1) * rows])),
        ),
        [0, strips],
        parallel_iterations=1,
    )
    return strips.concat()
