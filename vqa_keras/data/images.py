"""Turns the bytes of any picture file into RGB pixels, or says why not."""

import io
import struct
import warnings

import numpy as np
import tensorflow as tf
from PIL import Image
from PIL import ImageOps
from PIL import UnidentifiedImageError

MAX_PIXELS = 50_000_000

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
        UnreadableImage: with the reason, if there is no picture in `data`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Odd metadata is no one's concern.
        image = _open(data, max_pixels)
        try:
            image.load()
        except _PILLOW_ERRORS as error:
            raise UnreadableImage(_reason(error)) from error
        return np.array(_to_rgb(_upright(image)), dtype="uint8")


def resize(image, size):
    """Scales pictures to a size, bilinear and antialiased.

    Works eagerly on arrays and inside `tf.data`, with equal results. A picture
    that has the size already is not changed.

    Args:
        image: uint8 array or tensor, `(H, W, 3)` or `(B, H, W, 3)`.
        size: `(height, width)`.

    Returns:
        uint8, an array for an array and a tensor for a tensor.
    """
    if tuple(image.shape[-3:-1]) == tuple(size):
        return image
    scaled = tf.image.resize(image, size, antialias=True)
    scaled = tf.cast(tf.clip_by_value(tf.round(scaled), 0, 255), tf.uint8)
    return scaled.numpy() if isinstance(image, np.ndarray) else scaled


def to_stored(data, image):
    """Returns the bytes that a record keeps of a picture.

    Args:
        data: bytes of the picture file.
        image: what `decode_image(data)` returned.

    Returns:
        `data` where every decoder reads it as `image`: an upright 8-bit RGB
        JPEG or an 8-bit RGB PNG. Any other file becomes a PNG of `image`.
    """
    if _is_plain(data):
        return data
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG")
    return buffer.getvalue()


def _open(data, max_pixels):
    if not data:
        raise UnreadableImage("empty_file")
    try:
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
    except Image.DecompressionBombError as error:
        raise UnreadableImage("too_large") from error
    except UnidentifiedImageError as error:
        known = data.startswith(_SIGNATURES)
        raise UnreadableImage("truncated" if known else "not_an_image") from (
            error
        )
    except _PILLOW_ERRORS as error:
        raise UnreadableImage(_reason(error)) from error
    width, height = image.size
    if width * height > max_pixels:
        raise UnreadableImage("too_large")
    return image


def _reason(error):
    words = str(error).lower()  # Pillow has no class for it.
    short = ("truncated", "not enough", "bytes of image data", "unexpected end")
    if isinstance(error, EOFError) or any(word in words for word in short):
        return "truncated"
    return "damaged"


def _upright(image):
    try:
        return ImageOps.exif_transpose(image)
    except _PILLOW_ERRORS:
        return image  # EXIF data that cannot be read says nothing.


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
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def _is_plain(data):
    image = Image.open(io.BytesIO(data), formats=_FORMATS)
    if image.mode != "RGB" or image.getexif().get(0x0112, 1) != 1:
        return False
    if image.format == "PNG":  # Byte 24 is the bit depth.
        frames = getattr(image, "n_frames", 1)
        return (
            data[24] == 8 and "transparency" not in image.info and (frames == 1)
        )
    return image.format == "JPEG"
