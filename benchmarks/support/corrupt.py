"""Twenty kinds of files that cannot be decoded as an image."""

import io
import os
import struct
import zlib

import numpy as np
from PIL import Image

_SIZE = (61, 47)


def kinds():
    """Returns `{name: function of a path}`; each writes a file of its kind."""
    return {
        "empty file": _put(b""),
        "text": _put(b"this is no image\n" * 9),
        "web page": _put(b"<!DOCTYPE html><title>404 Not Found</title>"),
        "zero bytes": _put(bytes(5000)),
        "random bytes": _put(np.random.default_rng(7).bytes(5000)),
        "archive": _put(b"PK\x03\x04" + bytes(300)),
        "JPEG, first half": _half("JPEG"),
        "JPEG, header only": _put(_encoded("JPEG")[:40]),
        "JPEG, huge size claimed": _put(_jpeg_of_size(65500)),
        "PNG, first half": _half("PNG"),
        "PNG, signature only": _put(b"\x89PNG\r\n\x1a\n"),
        "PNG, pixels damaged": _put(_damaged_png()),
        "PNG, huge size claimed": _put(_png_of_size(100_000)),
        "GIF, header only": _put(_encoded("GIF")[:15]),
        "BMP, first half": _half("BMP"),
        "TIFF, first half": _half("TIFF"),
        "TIFF of fractions": _put(_tiff_of_floats()),
        "WebP, first half": _half("WEBP"),
        "missing file": lambda path: None,
        "folder instead": lambda path: os.mkdir(path),
    }


def corrupt(path, kind):
    """Replaces an image file by a corrupted one.

    Args:
        path: str or path of the file.
        kind: str, a name in `kinds()`.
    """
    os.unlink(path)
    kinds()[kind](path)


def _put(data):
    def put(path):
        with open(path, "wb") as file:
            file.write(data)

    return put


def _half(form):
    data = _encoded(form)
    return _put(data[: len(data) // 2])


def _encoded(form):
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 256, (*_SIZE, 3), dtype="uint8")
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form)
    return file.getvalue()


def _jpeg_of_size(side):
    data = bytearray(_encoded("JPEG"))
    frame = data.index(b"\xff\xc0")  # marker, length, bits, height, width
    data[frame + 5 : frame + 9] = struct.pack(">HH", side, side)
    return bytes(data)


def _png_of_size(side):
    header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    check = struct.pack(">I", zlib.crc32(header))
    rest = _encoded("PNG")[33:]
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + check + rest


def _damaged_png():
    data = bytearray(_encoded("PNG"))
    start = data.index(b"IDAT") + 4
    data[start : start + 64] = bytes(64)
    return bytes(data)


def _tiff_of_floats():
    file = io.BytesIO()
    Image.fromarray(np.ones(_SIZE, "float32")).save(file, "TIFF")
    return file.getvalue()
