"""Opens images within limits: their header is read before their pixels.

Decoding takes at most 24 bytes of memory per pixel beside the file, 1.2 GB for
`MAX_PIXELS`: WebP takes most, JPEG takes 12; only a JPEG 2000 with transparency
takes 25. Headers are read up to `_HEADER_BYTES` and `_HEADER_READS`, and images
with endless parts are refused, because Pillow would read and keep all of them.
"""

import io
import os
import struct

import numpy as np
from PIL import Image
from PIL import TiffImagePlugin
from PIL import UnidentifiedImageError

from vqa_keras.images import formats

MAX_PIXELS = 50_000_000

_HEADER_BYTES = 16 * 2**20  # metadata; Pillow concatenates it in quadratic time
_HEADER_READS = 10_000  # several per segment, chunk or tag
_READS = 4_000_000  # of the pixels; pieces of 64 kB are usual
_SCANS = 200  # of MAX_PIXELS in a progressive JPEG; 10 are usual
_TILE_PIXELS = 2**22  # of a TIFF whose image is smaller than that
_JPEG2000_TILES = 4096  # 6 kB each before any of them is read
_JPEG2000_BOXES = 1000  # before the one of the pixels; 4 are usual
_FIRST_BYTES = 8  # that name what a file is, where it is no image
_TIFF_LAYOUT = [256, 257, 258, 259, 277, 278, 284, 322, 323]  # tags of sizes

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
    RuntimeError,  # of HEIC
    struct.error,
)


class UnreadableImage(ValueError):
    """Raised for bytes without an image, or with one above the limits.

    Args:
        reason: str, one of "empty_file", "not_an_image", "unsupported_format",
            "truncated", "too_large", "unsupported_pixels" and "damaged".
        name: optional str or path of the file.
        detail: optional str, the name of an unsupported format, or the first
            bytes of what is no image.
    """

    def __init__(
        self,
        reason: str,
        name: str | os.PathLike[str] | None = None,
        detail: str | None = None,
    ):
        place = f"{name}, " if name else ""
        details = f" ({detail})" if detail else ""
        super().__init__(
            f"An image must be readable. Received: {place}{reason}{details}"
        )
        self.reason = reason
        self.detail = detail


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


def load_image(data: bytes, max_pixels: int) -> Image.Image:
    """Opens an image and decodes its pixels.

    Raises:
        UnreadableImage: as `open_image` does, or if the pixels are damaged.
    """
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
        image = Image.open(file, formats=formats.formats_of(data))
        work = _scanned_pixels(image, data)
        tile = _tile_pixels(image, data)
        _check_jpeg2000(image, data)
    except Image.DecompressionBombError as error:
        raise UnreadableImage("too_large") from error
    except UnidentifiedImageError as error:
        raise _unidentified(data) from error
    except PILLOW_ERRORS as error:
        raise UnreadableImage(_reason(error)) from error
    pixels = image.width * image.height
    if pixels > max_pixels or tile > max(pixels, _TILE_PIXELS):
        raise UnreadableImage("too_large")
    if work > _SCANS * MAX_PIXELS:
        raise UnreadableImage("damaged")
    return image, file


def _unidentified(data: bytes) -> UnreadableImage:
    """Returns the error for bytes that Pillow does not identify."""
    name = formats.unsupported_format(data)
    if name is not None:
        return UnreadableImage("unsupported_format", detail=name)
    if formats.is_known(data):
        return UnreadableImage("truncated")
    first = f"first bytes {data[:_FIRST_BYTES]!r}"
    return UnreadableImage("not_an_image", detail=first)


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


def _check_jpeg2000(image: Image.Image, data: bytes) -> None:
    """Raises ValueError if the pixels of a JPEG 2000 differ from its header.

    A header of few pixels may stand before a codestream of many, or of many
    tiles, for which the decoder takes memory first.
    """
    if image.format != "JPEG2000":
        return
    start = _codestream(data) + len(formats.JPEG2000_CODESTREAM) + 4
    right, bottom, left, top, *tile, tiles_left, tiles_top = struct.unpack_from(
        ">8I", data, start
    )
    (components,) = struct.unpack_from(">H", data, start + 32)
    if (right - left, bottom - top) != image.size or components > 4:
        raise ValueError("the codestream must have the pixels of its header")
    columns = -(-(right - tiles_left) // tile[0]) if tile[0] else 0
    rows = -(-(bottom - tiles_top) // tile[1]) if tile[1] else 0
    if not 0 < columns * rows <= _JPEG2000_TILES:
        raise ValueError(f"{columns} x {rows} tiles")


def _codestream(data: bytes) -> int:
    """Returns the position of the codestream in a JPEG 2000 file."""
    position = 0
    for _ in range(_JPEG2000_BOXES):
        if data.startswith(formats.JPEG2000_CODESTREAM, position):
            return position
        length, kind = struct.unpack_from(">I4s", data, position)
        header = 8
        if length == 1:
            header = 16
            (length,) = struct.unpack_from(">Q", data, position + 8)
        position += header if kind == b"jp2c" else max(length, header)
    raise ValueError("no codestream")


def _reason(error: BaseException) -> str:
    words = str(error).lower()  # Pillow has no error class for it.
    short = ("truncated", "not enough", "bytes of image data", "unexpected end")
    if isinstance(error, EOFError) or any(word in words for word in short):
        return "truncated"
    return "damaged"
