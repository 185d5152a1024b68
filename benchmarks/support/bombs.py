"""Small image files that declare many pixels."""

import io
import struct
import zlib

import numpy as np
from PIL import Image


def png(side=12_000):
    """Returns a one-bit PNG whose pixels are all there, and compress well."""
    row = bytes(1 + (side + 7) // 8)
    data = zlib.compress(row * side, 9)
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, chunks))


def gif(frames, side=6_000):
    """Returns a GIF of equal frames; a decoder may unpack all of them."""
    first, *rest = (
        Image.fromarray(np.full((side, side), i % 2, "uint8"), "P")
        for i in range(frames)
    )
    file = io.BytesIO()
    first.save(file, "GIF", save_all=True, append_images=rest)
    return file.getvalue()


def webp(side=16_000):
    """Returns a WebP of one color."""
    file = io.BytesIO()
    Image.new("L", (side, side)).save(file, "WEBP", lossless=True)
    return file.getvalue()


def _chunk(part):
    name, data = part
    check = struct.pack(">I", zlib.crc32(name + data))
    return struct.pack(">I", len(data)) + name + data + check
