"""Decodes images to 8-bit RGB pixels."""

import os
import pathlib
import warnings
from typing import Any

import numpy as np
from PIL import Image
from PIL import ImageOps

from vqa_keras.images.opening import MAX_PIXELS
from vqa_keras.images.opening import PILLOW_ERRORS
from vqa_keras.images.opening import UnreadableImage
from vqa_keras.images.opening import load_image


def decode(image: Any, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Decodes an image to 8-bit RGB pixels.

    Converts gray, palette and CMYK images to RGB, scales 16-bit gray to 8 bits,
    blends transparent pixels with white, takes the first frame of an animation
    and applies the EXIF orientation.

    Args:
        image: path of a file, its bytes (JPEG, PNG, GIF, BMP, WebP, TIFF, PPM,
            AVIF, JPEG 2000, with the extra `heic` HEIC), a PIL image, or an
            array of values 0 to 255: gray `(H, W)` or `(H, W, 1)`, RGB
            `(H, W, 3)` or RGBA `(H, W, 4)`. An array of uint16 above 255 is a
            16-bit image. Floats are rounded.
        max_pixels: int. An image whose header declares more is refused before
            memory is allocated for its pixels. Defaults to 50 million.

    Returns:
        uint8 array, `(H, W, 3)`.

    Raises:
        UnreadableImage: with the reason, if the bytes hold no image, or one
            above the limits: too many pixels, more than 16 MB of metadata
            before them, too many scans, parts or tiles.
        ValueError: if an array has another shape or other values. Floats
            within -1 and 1 are refused as scaled or normalized.
        OSError: if a file cannot be read.

    Example:
    ```python
    pixels = vqa_keras.images.decode("photo.jpg")  # (H, W, 3), upright
    ```
    """
    if isinstance(image, (str, os.PathLike)):
        data = pathlib.Path(image).read_bytes()
        try:
            return decode(data, max_pixels)
        except UnreadableImage as error:
            raise UnreadableImage(error.reason, image, error.detail) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Odd metadata is harmless.
        if isinstance(image, (bytes, bytearray)):
            # Nested, so that each image is freed once the next one exists.
            loaded = _upright(load_image(bytes(image), max_pixels))
            return np.array(_to_rgb(loaded), "uint8")
        if not isinstance(image, Image.Image):
            image = _from_array(image)
        if image.width * image.height > max_pixels:
            raise UnreadableImage("too_large")
        if image.format is None and image.mode.startswith("I"):
            pixels = np.asarray(image)  # not from a file: like an array
            if 0 <= pixels.min() and pixels.max() <= 255:
                image = _from_array(pixels)
        return np.array(_to_rgb(_upright(image.copy())), "uint8")


def check_values(array: np.ndarray) -> None:
    """Raises ValueError if the values of an array are not within 0 and 255.

    Args:
        array: array of any shape. Values of uint16 may be up to 65535; floats
            must not all be within -1 and 1.
    """
    if not array.size or array.dtype.kind not in "uif":
        return
    low, high = array.min(), array.max()
    if np.issubdtype(array.dtype, np.floating) and -1 <= low and high <= 1:
        raise ValueError(
            "An image must hold values from 0 to 255. Received: floats from "
            f"{low:g} to {high:g}, which are scaled or normalized; multiply "
            "values of 0 to 1 by 255"
        )
    limit = 65535 if array.dtype == np.uint16 else 255
    if not (low >= 0 and high <= limit):  # NaN is neither.
        raise ValueError(
            "An image must hold values from 0 to 255. Received: "
            f"{array.dtype} from {low:g} to {high:g}"
        )


def _from_array(image: Any) -> Image.Image:
    array = np.asarray(image)
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    color = array.ndim == 3 and array.shape[-1] in (3, 4)
    if not (color or array.ndim == 2) or array.dtype.kind not in "uif":
        raise ValueError(
            "`image` must be a path, bytes, a PIL image or an array of shape "
            "(height, width), (height, width, 3) or (height, width, 4). "
            f"Received: {type(image).__name__} of dtype {array.dtype} and "
            f"shape {array.shape}"
        )
    check_values(array)
    if array.dtype == np.uint16 and array.max() > 255:
        array = array / 257.0
    if array.dtype != np.uint8:
        array = np.round(array).astype("uint8")
    return Image.fromarray(array)


def _upright(image: Image.Image) -> Image.Image:
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except PILLOW_ERRORS:
        pass  # Unreadable EXIF data has no orientation.
    return image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        pixels = np.asarray(image)
        if pixels.min() < 0 or pixels.max() > 65535:
            raise UnreadableImage("unsupported_pixels")
        grey = np.round(pixels.astype("float32") / 257.0).astype("uint8")
        return Image.fromarray(grey).convert("RGB")
    if image.mode == "F":
        raise UnreadableImage("unsupported_pixels")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or (
        "transparency" in image.info
    ):
        image = image.convert("RGBA") if image.mode != "RGBA" else image
        white = (255, 255, 255, 255)
        image = Image.alpha_composite(
            Image.new("RGBA", image.size, white), image
        )
    return image.convert("RGB") if image.mode != "RGB" else image
