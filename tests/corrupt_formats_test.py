"""Hostile AVIF, HEIC and JPEG 2000 files: a reason or the image, cheaply."""

import io
import os
import struct

import pytest
from PIL import Image

from tests.corrupt_images_test import MOST_MEGABYTES
from tests.corrupt_images_test import MOST_MEGABYTES_AT_LIMIT
from tests.corrupt_images_test import MOST_SECONDS
from tests.corrupt_images_test import SIDE
from tests.corrupt_images_test import encoded
from tests.corrupt_images_test import measured
from tests.fixtures.codecs import skip_without_codec

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="forks to measure"),
]


def patched(data, place, *numbers):
    """Returns a file with other numbers of 32 bits after some bytes."""
    data = bytearray(data)
    start = data.index(place) + len(place)
    struct.pack_into(f">{len(numbers)}I", data, start, *numbers)
    return bytes(data)


def claiming(form, side):
    """Returns an AVIF or HEIC of 64 x 64 pixels whose header says `side`."""
    return patched(encoded(form, (64, 64)), b"ispe\0\0\0\0", side, side)


def codestream(size, *numbers):
    """Returns a JPEG 2000 with other numbers after those of its capabilities.

    The numbers are the width, the height, the offsets, and the same of a tile.
    """
    data = encoded("JPEG2000", size)
    start = data.index(b"\xff\x4f\xff\x51")
    return patched(data, data[start : start + 8], *numbers)


def frames(form, count):
    pages = [Image.new("RGB", (8, 8), (i % 250, 0, 0)) for i in range(count)]
    file = io.BytesIO()
    pages[0].save(file, form, save_all=True, append_images=pages[1:])
    return file.getvalue()


def hostile_avif():
    full = [SIDE, SIDE, 3]
    yield "size", claiming("AVIF", 16_000), "too_large"
    yield (
        "size above that of the decoder",
        claiming("AVIF", 60_000),
        "truncated",
    )
    yield "limit, size", claiming("AVIF", SIDE), full
    yield "limit", encoded("AVIF", (SIDE, SIDE), speed=10), full
    yield "frames", frames("AVIF", 1000), [8, 8, 3]


def hostile_heif():
    yield "size", claiming("HEIF", 60_000), "too_large"
    yield "limit, size", claiming("HEIF", SIDE), "damaged"
    large = patched(encoded("HEIF", (4000, 4000)), b"ispe\0\0\0\0", 64, 64)
    yield "pixels above the header", large, "damaged"
    yield "frames", frames("HEIF", 300), [8, 8, 3]


def hostile_jpeg2000():
    size = patched(encoded("JPEG2000", (16, 16)), b"ihdr", 60_000, 60_000)
    tile = (0, 0, 1, 1)
    yield "size", size, "too_large"
    yield (
        "pixels above the header",
        codestream((16, 16), 60_000, 60_000),
        ("damaged"),
    )
    yield "tiles", codestream((250, 250), 250, 250, *tile), "damaged"
    yield "some tiles", codestream((64, 64), 64, 64, *tile), [64, 64, 3]
    boxes = encoded("JPEG2000", (16, 16))
    boxes = boxes[:12] + struct.pack(">I4s", 8, b"free") * 100_000 + boxes[12:]
    yield "boxes", boxes, "damaged"
    yield "limit", encoded("JPEG2000", (SIDE, SIDE)), [SIDE, SIDE, 3]


@pytest.mark.parametrize(
    ("form", "hostile"),
    [
        ("AVIF", hostile_avif),
        ("HEIF", hostile_heif),
        ("JPEG2000", hostile_jpeg2000),
    ],
)
def test_hostile_image_has_its_outcome_within_the_limits(
    tmp_path, form, hostile
):
    skip_without_codec(form)
    cases = list(hostile())
    expected = {name: outcome for name, _, outcome in cases}
    outcomes = {}
    for name, outcome, megabytes, seconds in measured(tmp_path, cases):
        outcomes[name] = outcome
        at_limit = name.startswith("limit")
        most = MOST_MEGABYTES_AT_LIMIT if at_limit else MOST_MEGABYTES
        assert megabytes < most, (name, megabytes)
        assert seconds < MOST_SECONDS, (name, seconds)
    assert outcomes == expected
