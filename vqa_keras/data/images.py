"""Turns the bytes of any picture file into RGB pixels, or says why not.

Whatever the bytes are, decoding takes at most 24 bytes of memory for each of
`max_pixels`, 1.2 GB, beside the file: it is WebP that takes most, JPEG takes
12. A header is read up to `_HEADER_BYTES` and `_HEADER_READS`, and pictures of
endless parts are given up, because Pillow would read and keep all of them.
"""

import io
import re
import struct
import warnings

import numpy as np
import tensorflow as tf
from PIL import Image
from PIL import ImageOps
from PIL import UnidentifiedImageError

MAX_PIXELS = 50_000_000

_HEADER_BYTES = 16 * 2**20  # metadata; Pillow adds it up in quadratic time
_HEADER_READS = 10_000  # some for each segment, chunk or tag
_READS = 4_000_000  # of the pixels; pieces of 64 kB are usual
_SCANS = 200  # of MAX_PIXELS in a progressive JPEG; 10 are usual
_TILE_PIXELS = 2**22  # of a TIFF whose picture is smaller than that
_TIFF_LAYOUT = {256, 257, 258, 259, 277, 278, 284, 322, 323}  # tags of sizes

# In a scan 0 follows ff in pixels, d0 to d7 in marks that decoding restarts at.
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7]")

# Formats that Pillow decodes by itself: no helper program, no script language.
_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*")


# What Pillow's readers raise when bytes are not what they expect.
_PILLOW_ERRORS = (
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
    """The bytes cannot be shown as a picture.

    Args:
        reason: one of "empty_file", "not_an_image", "truncated", "too_large",
            "unsupported_pixels" and "damaged".
    """

    def __init__(self, reason):
        super().__init__(f"Needed a readable picture. Received: {reason}")
        self.reason = reason


def decode_image(data, max_pixels=MAX_PIXELS):
    """Decodes a picture file to 8-bit RGB.

    Grey, palette and CMYK pictures are converted, 16-bit grey is scaled to 8
    bits, transparent pixels are laid over white, an animation gives its first
    frame, and a photo is turned upright as its EXIF data says.

    Args:
        data: the file's bytes: JPEG, PNG, GIF, BMP, WebP, TIFF or PPM.
        max_pixels: int. A picture whose header declares more is refused
            before any memory is taken for its pixels.

    Returns:
        uint8 array `(H, W, 3)`.

    Raises:
        UnreadableImage: with the reason, if there is no picture in `data`, or
            one that would take too much: more pixels, above 16 MB of metadata
            before them, scans or parts without end.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Odd metadata is no one's concern.
        pixels = _quickly_decoded(data, max_pixels)
        if pixels is not None:
            return pixels
        # Nested, so that each picture is freed when the next one is made.
        return np.array(_to_rgb(_upright(_loaded(data, max_pixels))), "uint8")


def to_stored(data, image):
    """Returns the bytes that a record keeps of a picture.

    Args:
        data: bytes of the picture file.
        image: what `decode_image(data)` returned.

    Returns:
        `data` where every decoder reads it as `image`: an upright 8-bit RGB
        JPEG or an 8-bit RGB PNG. Any other file becomes a PNG of `image`.
    """
    if _is_plain(Image.open(_File(data), formats=_FORMATS), data):
        return data
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG")
    return buffer.getvalue()


class _File(io.BytesIO):
    """The bytes of a file, which end a decoder that does not end."""

    def __init__(self, data):
        super().__init__(data)
        self.bytes_left = _HEADER_BYTES
        self.reads_left = _HEADER_READS

    def read(self, size=-1):
        data = super().read(size)
        self.reads_left -= 1
        if size is not None and size >= 0:  # All at once is no danger.
            self.bytes_left -= len(data)
        if self.reads_left < 0 or self.bytes_left < 0:
            raise OSError("too many parts")
        return data

    def end_header(self):
        self.bytes_left = float("inf")
        self.reads_left = _READS


def _quickly_decoded(data, max_pixels):
    """Pixels of a plain baseline JPEG; None if Pillow has to look at it.

    TensorFlow takes half of Pillow's time for the same pixels. It knows fewer
    kinds of files, and what is wrong with a damaged one is for Pillow to say.
    """
    if not data.startswith(b"\xff\xd8") or not _ends_after_scan(data):
        return None
    image, _ = _open(data, max_pixels)
    if "progressive" in image.info or not _is_plain(image, data):
        return None
    try:
        return tf.io.decode_jpeg(
            data, channels=3, dct_method="INTEGER_ACCURATE"
        ).numpy()
    except tf.errors.OpError:
        return None


def _ends_after_scan(data):
    """Whether a JPEG's last scan is followed by its end and nothing else."""
    marker = _JPEG_MARKER.search(data, data.rfind(b"\xff\xda") + 2)
    return marker is not None and data[marker.start() :] == b"\xff\xd9"


def _loaded(data, max_pixels):
    image, file = _open(data, max_pixels)
    file.end_header()
    try:
        image.load()
    except _PILLOW_ERRORS as error:
        raise UnreadableImage(_reason(error)) from error
    return image


def _open(data, max_pixels):
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
    except _PILLOW_ERRORS as error:
        raise UnreadableImage(_reason(error)) from error
    pixels = image.width * image.height
    if pixels > max_pixels or tile > max(pixels, _TILE_PIXELS):
        raise UnreadableImage("too_large")
    if work > _SCANS * MAX_PIXELS:
        raise UnreadableImage("damaged")
    return image, file


def _scanned_pixels(image, data):
    """How many pixels a JPEG's scans go over; 0 for other formats.

    Some kilobytes can ask for thousands of scans of all pixels.
    """
    if image.format not in ("JPEG", "MPO"):
        return 0
    scans = data.count(b"\xff\xda")  # Pixels never contain this marker.
    return scans * max(image.width * image.height, 10_000)


def _tile_pixels(image, data):
    """Pixels of a TIFF's tile, which is decoded whole; 0 where is none."""
    if image.format != "TIFF":
        return 0
    order = "<" if data.startswith(b"II") else ">"
    big = data[:4] in (b"II+\0", b"MM\0+")  # BigTIFF, of 64-bit numbers
    place, number, step = (8, "Q", 20) if big else (4, "H", 12)
    (start,) = struct.unpack_from(order + ("Q" if big else "I"), data, place)
    (count,) = struct.unpack_from(order + number, data, start)
    start += struct.calcsize(number)
    tags = [
        struct.unpack_from(order + "H", data, start + step * i)[0]
        for i in range(min(count, _HEADER_READS))
    ]
    tags = [tag for tag in tags if tag in _TIFF_LAYOUT]
    if len(set(tags)) < len(tags):
        raise ValueError(
            "Pillow uses the last of equal tags, libtiff the first"
        )
    return int(image.tag_v2.get(322, 0)) * int(image.tag_v2.get(323, 0))


def _reason(error):
    words = str(error).lower()  # Pillow has no class for it.
    short = ("truncated", "not enough", "bytes of image data", "unexpected end")
    if isinstance(error, EOFError) or any(word in words for word in short):
        return "truncated"
    return "damaged"


def _upright(image):
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except _PILLOW_ERRORS:
        pass  # EXIF data that cannot be read says nothing.
    return image


def _to_rgb(image):
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


def _orientation(image):
    try:
        return image.getexif().get(0x0112, 1)
    except _PILLOW_ERRORS:
        return 1  # as `_upright` leaves it


def _is_plain(image, data):
    if image.mode != "RGB" or _orientation(image) != 1:
        return False
    if image.format == "PNG":  # Byte 24 is the bit depth.
        frames = getattr(image, "n_frames", 1)
        return (
            data[24] == 8 and "transparency" not in image.info and (frames == 1)
        )
    return image.format == "JPEG"
