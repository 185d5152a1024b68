"""Decodes plain JPEG files with TensorFlow, in half of Pillow's time."""

import re
import warnings

import numpy as np
import tensorflow as tf

from vqa_keras import images
from vqa_keras.writing.stored_image import is_plain

# In a scan, 00 follows ff in pixels, and d0 to d7 in restart markers.
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7]")


def decode(data: bytes, max_pixels: int = images.MAX_PIXELS) -> np.ndarray:
    """Decodes an image file to the pixels of `vqa_keras.images.decode`.

    TensorFlow decodes plain baseline JPEG files. Pillow decodes all others, and
    its errors have the reasons of damaged files.

    Args:
        data: bytes of the file.
        max_pixels: int, see `vqa_keras.images.decode`. Defaults to 50 million.

    Returns:
        uint8 array `(H, W, 3)`.

    Raises:
        UnreadableImage: as `vqa_keras.images.decode` does.
    """
    if data.startswith(b"\xff\xd8") and _is_baseline(data, max_pixels):
        try:
            return tf.io.decode_jpeg(
                data, channels=3, dct_method="INTEGER_ACCURATE"
            ).numpy()
        except tf.errors.OpError:
            pass  # Pillow's error has the reason.
    return images.decode(data, max_pixels)


def _is_baseline(data: bytes, max_pixels: int) -> bool:
    if not _ends_after_scan(data):
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as `images.decode` does
        image, _ = images.open_image(data, max_pixels)
        return "progressive" not in image.info and is_plain(image, data)


def _ends_after_scan(data: bytes) -> bool:
    """Returns whether only the end marker follows the last scan of a JPEG."""
    marker = _JPEG_MARKER.search(data, data.rfind(b"\xff\xda") + 2)
    return marker is not None and data[marker.start() :] == b"\xff\xd9"
