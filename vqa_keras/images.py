"""Decodes images to RGB pixels: one rule for files, bytes, PIL and arrays.

Decoding any bytes takes at most 24 bytes of memory for each of `max_pixels`,
1.2 GB, beside the file: WebP takes most, JPEG takes 12. A header is read up to
`_HEADER_BYTES` and `_HEADER_READS`, and images of endless parts are given up,
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

_HEADER_BYTES = 16 * 2**20  # metadata; Pillow adds it up in quadratic time
_HEADER_READS = 10_000  # some for each segment, chunk or tag
_READS = 4_000_000  # of the pixels; pieces of 64 kB are usual
_SCANS = 200  # of MAX_PIXELS in a progressive JPEG; 10 are usual
_TILE_PIXELS = 2**22  # of a TIFF whose image is smaller than that
_TIFF_LAYOUT = [256, 257, 258, 259, 277, 278, 284, 322, 323]  # tags of sizes

# Formats that Pillow decodes by itself: no helper program, no script language.
_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*")


# Errors of Pillow's readers for bytes of another form.
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
    """Raised for bytes that are no image, or one that takes too much.

    Args:
        reason: one of "empty_file", "not_an_image", "truncated", "too_large",
            "unsupported_pixels" and "damaged".
        name: str, the file if there is one.
    """

    def __init__(self, reason: str, name: str | os.PathLike[str] | None = None):
        place = f"{name}, " if name else ""
        super().__init__(
            f"An image must be readable. Received: {place}{reason}"
        )
        self.reason = reason


def decode(image: Any, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Decodes an image to 8-bit RGB pixels.

    Gray, palette and CMYK images are converted, 16-bit gray is scaled to 8
    bits, transparent pixels are laid over white, an animation gives its first
    frame, and a photograph is turned upright as its EXIF data says.

    Args:
        image: the path of a file, its bytes (JPEG, PNG, GIF, BMP, WebP, TIFF or
            PPM), a PIL image, or an array of values 0 to 255: gray `(H, W)` or
            `(H, W, 1)`, RGB `(H, W, 3)` or RGBA `(H, W, 4)`. An array of uint16
            above 255 is a 16-bit image. Floats are rounded.
        max_pixels: int. An image whose header declares more is refused before
            any memory is taken for its pixels.

    Returns:
        uint8 array `(H, W, 3)`.

    Raises:
        UnreadableImage: with the reason, if the bytes hold no image, or one
            that would take too much: more pixels, above 16 MB of metadata
            before them, scans or parts without end.
        ValueError: if an array has another shape or other values: floats
            within -1 and 1 are no values of 0 to 255.
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
        warnings.simplefilter("ignore")  # Odd metadata does no harm.
        if isinstance(image, (bytes, bytearray)):
            # Nested, so that each image is freed once the next one exists.
            loaded = _upright(_loaded(bytes(image), max_pixels))
            return np.array(_to_rgb(loaded), "uint8")
        if not isinstance(image, Image.Image):
            image = _from_array(image)
        if image.width * image.height > max_pixels:
            raise UnreadableImage("too_large")
        if image.format is None and image.mode.startswith("I"):
            pixels = np.asarray(image)  # made by a program: as an array is
            if 0 <= pixels.min() and pixels.max() <= 255:
                image = _from_array(pixels)
        return np.array(_to_rgb(_upright(image.copy())), "uint8")


def check_values(array: np.ndarray) -> None:
    """Raises ValueError unless an array can hold pixels from 0 to 255."""
    if not array.size or array.dtype.kind not in "uif":
        return
    low, high = array.min(), array.max()
    if np.issubdtype(array.dtype, np.floating) and -1 <= low and high <= 1:
        raise ValueError(
            "An image must hold values from 0 to 255. Received: floats from "
            f"{low:g} to {high:g}, which are scaled or normalized; multiply "
            "images of 0 to 1 by 255"
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
    """The bytes of a file; limits the reads of a decoder without end."""

    def __init__(self, data: bytes):
        super().__init__(data)
        self.bytes_left: float = _HEADER_BYTES
        self.reads_left = _HEADER_READS

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.reads_left -= 1
        if size is not None and size >= 0:  # All at once is no danger.
            self.bytes_left -= len(data)
        if self.reads_left < 0 or self.bytes_left < 0:
            raise OSError("too many parts")
        return data

    def end_header(self) -> None:
        """Sets the limits of pixels in place of those of the header."""
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
    """Returns the PIL image of a header, and its file, whose reads are limited.

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
    """Pixels of all of a JPEG's scans together; 0 for other formats.

    Some kilobytes can ask for thousands of scans of all pixels.
    """
    if image.format not in ("JPEG", "MPO"):
        return 0
    scans = data.count(b"\xff\xda")  # Pixels never contain this marker.
    return scans * max(image.width * image.height, 10_000)


def _tile_pixels(image: Image.Image, data: bytes) -> int:
    """Pixels of a TIFF's tile, which is decoded whole; 0 without tiles."""
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
    words = str(error).lower()  # Pillow has no class for it.
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
