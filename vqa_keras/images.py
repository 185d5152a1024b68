"""Decodes images to RGB pixels: files, bytes, PIL images and arrays.

Decoding takes at most 24 bytes of memory per pixel beside the file, 1.2 GB for
`MAX_PIXELS`: WebP takes most, JPEG takes 12. Headers are read up to
`_HEADER_BYTES` and `_HEADER_READS`, and images with endless parts are refused,
because Pillow would read and keep all of them.
"""

import io
import os
import pathlib
import struct
import warnings
from typing import Any

import numpy as np
from PIL import Image
from PIL import ImageOps
from PIL import TiffImagePlugin
from PIL import UnidentifiedImageError

MAX_PIXELS = 50_000_000

_HEADER_BYTES = 16 * 2**20  # metadata; Pillow concatenates it in quadratic time
_HEADER_READS = 10_000  # several per segment, chunk or tag
_READS = 4_000_000  # of the pixels; pieces of 64 kB are usual
_SCANS = 200  # of MAX_PIXELS in a progressive JPEG; 10 are usual
_TILE_PIXELS = 2**22  # of a TIFF whose image is smaller than that
_TIFF_LAYOUT = [256, 257, 258, 259, 277, 278, 284, 322, 323]  # tags of sizes

# Formats that Pillow decodes without a helper program or script language.
_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*")


# Errors that Pillow's readers raise for malformed bytes.
PILLOW_ERRORS = (
    OSError,
    SyntaxError,
    EOFError,
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    MemoryError,
    struct.error,
)


class UnreadableImage(ValueError):
    """Raised for bytes without an image, or with one above the limits.

    Args:
        reason: str, one of "empty_file", "not_an_image", "truncated",
            "too_large", "unsupported_pixels" and "damaged".
        name: optional str or path of the file.
    """

    def __init__(self, reason: str, name: str | os.PathLike[str] | None = None):
        place = f"{name}, " if name else ""
        super().__init__(
            f"An image must be readable. Received: {place}{reason}"
        )
        self.reason = reason


def decode(image: Any, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Decodes an image to 8-bit RGB pixels.

    Converts gray, palette and CMYK images to RGB, scales 16-bit gray to 8 bits,
    blends transparent pixels with white, takes the first frame of an animation
    and applies the EXIF orientation.

    Args:
        image: path of a file, its bytes (JPEG, PNG, GIF, BMP, WebP, TIFF or
            PPM), a PIL image, or an array of values 0 to 255: gray `(H, W)` or
            `(H, W, 1)`, RGB `(H, W, 3)` or RGBA `(H, W, 4)`. An array of uint16
            above 255 is a 16-bit image. Floats are rounded.
        max_pixels: int. An image whose header declares more is refused before
            memory is allocated for its pixels. Defaults to 50 million.

    Returns:
        uint8 array, `(H, W, 3)`.

    Raises:
        UnreadableImage: with the reason, if the bytes hold no image, or one
            above the limits: too many pixels, more than 16 MB of metadata
            before them, too many scans or parts.
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
            raise UnreadableImage(error.reason, image) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Odd metadata is harmless.
        if isinstance(image, (bytes, bytearray)):
            # Nested, so that each image is freed once the next one exists.
            loaded = _upright(_loaded(bytes(image), max_pixels))
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


class _File(io.BytesIO):
    """Holds the bytes of a file and limits how much a decoder reads."""

    def __init__(self, data: bytes):
        super().__init__(data)
        self.bytes_left: float = _HEADER_BYTES
        self.reads_left = _HEADER_READS

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.reads_left -= 1
        if size is not None and size >= 0:  # Reading all at once is safe.
            self.bytes_left -= len(data)
        if self.reads_left < 0 or self.bytes_left < 0:
            raise OSError("too many parts")
        return data

    def end_header(self) -> None:
        """Replaces the limits of the header by those of the pixels."""
        self.bytes_left = float("inf")
        self.reads_left = _READS


def _loaded(data: bytes, max_pixels: int) -> Image.Image:
    image, file = open_image(data, max_pixels)
    file.end_header()
    try:
        image.load()
    except PILLOW_ERRORS as error:
        raise UnreadableImage(_reason(error)) from error
    return image


def open_image(
    data: bytes, max_pixels: int = MAX_PIXELS
) -> tuple[Image.Image, _File]:
    """Opens an image; returns it undecoded, and its file with limited reads.

    Raises:
        UnreadableImage: if the header cannot be read or declares too much.
    """
    if not data:
        raise UnreadableImage("empty_file")
    file = _File(data)
    try:
        image = Image.open(file, formats=_FORMATS)
        work = _scanned_pixels(image, data)
        tile = _tile_pixels(image, data)
    except Image.DecompressionBombError as error:
        raise UnreadableImage("too_large") from error
    except UnidentifiedImageError as error:
        known = data.startswith(_SIGNATURES)
        raise UnreadableImage("truncated" if known else "not_an_image") from (
            error
        )
    except PILLOW_ERRORS as error:
        raise UnreadableImage(_reason(error)) from error
    pixels = image.width * image.height
    if pixels > max_pixels or tile > max(pixels, _TILE_PIXELS):
        raise UnreadableImage("too_large")
    if work > _SCANS * MAX_PIXELS:
        raise UnreadableImage("damaged")
    return image, file


def _scanned_pixels(image: Image.Image, data: bytes) -> int:
    """Returns the total pixels of a JPEG's scans; 0 for other formats.

    A file of a few kilobytes can declare thousands of scans of all pixels.
    """
    if image.format not in ("JPEG", "MPO"):
        return 0
    scans = data.count(b"\xff\xda")  # Pixels never contain this marker.
    return scans * max(image.width * image.height, 10_000)


def _tile_pixels(image: Image.Image, data: bytes) -> int:
    """Returns the pixels of a TIFF's tile, decoded at once; 0 without tiles."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return 0
    tags = image.tag_v2
    order = "<" if data.startswith(b"II") else ">"
    # BigTIFF has 64-bit numbers, and entries of 20 bytes in place of 12.
    big = data[:4] in (b"II+\0", b"MM\0+")
    number = np.dtype(order + ("u8" if big else "u2"))
    entry = np.dtype([("tag", order + "u2"), ("", f"V{18 if big else 10}")])
    (count,) = np.frombuffer(data, number, 1, tags.offset)
    start = tags.offset + number.itemsize
    found = np.frombuffer(data, entry, min(count, _HEADER_READS), start)["tag"]
    found = found[np.isin(found, _TIFF_LAYOUT)]
    if len(np.unique(found)) < len(found):
        raise ValueError(
            "Pillow uses the last of equal tags, libtiff the first"
        )
    return int(tags.get(322, 0)) * int(tags.get(323, 0))


def _reason(error: BaseException) -> str:
    words = str(error).lower()  # Pillow has no error class for it.
    short = ("truncated", "not enough", "bytes of image data", "unexpected end")
    if isinstance(error, EOFError) or any(word in words for word in short):
        return "truncated"
    return "damaged"


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
