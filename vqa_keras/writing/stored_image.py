"""Converts an image file to the bytes that a record stores."""

import io
import warnings

import numpy as np
from PIL import Image

from vqa_keras.images import MAX_PIXELS
from vqa_keras.images import PILLOW_ERRORS
from vqa_keras.images import open_image


def to_stored(
    data: bytes, image: np.ndarray, max_pixels: int = MAX_PIXELS
) -> bytes:
    """Returns the bytes that a record stores of an image.

    Args:
        data: bytes of the image file.
        image: uint8 array `(H, W, 3)`, its pixels by `vqa_keras.images.decode`.
        max_pixels: int, see there. Defaults to 50 million.

    Returns:
        `data` if every decoder reads it as `image`: an upright 8-bit RGB JPEG
        or an 8-bit RGB PNG. Else the bytes of a PNG of `image`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Invalid metadata is harmless here.
        opened, _ = open_image(data, max_pixels)
        if is_plain(opened, data):
            return data
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG")
    return buffer.getvalue()


def is_plain(image: Image.Image, data: bytes) -> bool:
    """Returns whether every decoder reads a file alike: upright 8-bit RGB.

    Args:
        image: `PIL.Image.Image` of the file, its header read.
        data: bytes of the file.
    """
    if image.mode != "RGB" or _orientation(image) != 1:
        return False
    if image.format == "PNG":  # Byte 24 is the bit depth.
        frames = getattr(image, "n_frames", 1)
        return (
            data[24] == 8 and "transparency" not in image.info and (frames == 1)
        )
    return image.format == "JPEG"


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(0x0112, 1)
    except PILLOW_ERRORS:
        return 1  # as `vqa_keras.images.decode` leaves it
