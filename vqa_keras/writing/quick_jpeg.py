"""Decodes plain JPEGs with TensorFlow, in half of Pillow's time."""

import re
import warnings

import numpy as np
import tensorflow as tf

from vqa_keras import images
from vqa_keras.writing.stored_image import is_plain

# In a scan 0 follows ff in pixels, d0 to d7 in marks that decoding restarts at.
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7]")


def decode(data: bytes) -> np.ndarray:
    """Decodes the bytes of a file, to the pixels of `vqa_keras.images.decode`.

    TensorFlow decodes plain baseline JPEGs. Pillow decodes all other files,
    and gives the reasons of damaged ones.
    """
    if data.startswith(b"\xff\xd8") and _is_baseline(data):
        try:
            return tf.io.decode_jpeg(
                data, channels=3, dct_method="INTEGER_ACCURATE"
            ).numpy()
        except tf.errors.OpError:
            pass  # Pillow's error has the reason.
    return images.decode(data)


def _is_baseline(data: bytes) -> bool:
    if not _ends_after_scan(data):
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as `images.decode` does
        image, _ = images.open_image(data)
        return "progressive" not in image.info and is_plain(image, data)


def _ends_after_scan(data: bytes) -> bool:
    """Whether a JPEG's last scan is followed by its end and nothing else."""
    marker = _JPEG_MARKER.search(data, data.rfind(b"\xff\xda") + 2)
    return marker is not None and data[marker.start() :] == b"\xff\xd9"
