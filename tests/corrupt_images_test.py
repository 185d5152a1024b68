"""Corrupted and hostile images: a documented reason or the image, cheaply."""

import io
import json
import os
import pathlib
import runpy
import struct
import subprocess
import sys
import zlib

import pytest
from PIL import Image

from vqa_keras import images
from vqa_keras.datasets.question import ImageQuestions
from vqa_keras.images import UnreadableImage
from vqa_keras.writing.image_reader import ImageReader

ROOT = pathlib.Path(__file__).parents[1]
CORRUPT = runpy.run_path(str(ROOT / "benchmarks" / "support" / "corrupt.py"))
REASONS = {
    "empty file": "empty_file",
    "text": "not_an_image",
    "web page": "not_an_image",
    "zero bytes": "not_an_image",
    "random bytes": "not_an_image",
    "archive": "not_an_image",
    "JPEG, first half": "truncated",
    "JPEG, header only": "truncated",
    "JPEG, huge size claimed": "too_large",
    "PNG, first half": "truncated",
    "PNG, signature only": "truncated",
    "PNG, pixels damaged": "damaged",
    "PNG, huge size claimed": "too_large",
    "GIF, header only": "truncated",
    "BMP, first half": "truncated",
    "TIFF, first half": "truncated",
    "TIFF of fractions": "unsupported_pixels",
    "WebP, first half": "damaged",  # libwebp does not say how
    "missing file": "missing_file",
    "folder instead": "unreadable_file",
}
# Above what an ordinary image takes; "limit" names those of most pixels.
MOST_MEGABYTES = 256
MOST_MEGABYTES_AT_LIMIT = 24 * images.MAX_PIXELS / 2**20
MOST_SECONDS = 10  # of processor time
SIDE = 7070  # its square is just below the limit
RED = [30, 40, 3]

MEASURE = """
import json, os, resource, signal, sys, time

from vqa_keras.writing import quick_jpeg
from vqa_keras.images import UnreadableImage

for path in sys.argv[1:]:
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        continue
    signal.alarm(100)  # kills it
    data = open(path, "rb").read()
    start = time.process_time()
    try:
        outcome = list(quick_jpeg.decode(data).shape)
    except UnreadableImage as error:
        outcome = error.reason
    except BaseException as error:
        outcome = repr(error)[:300]
    seconds = time.process_time() - start
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    name = os.path.basename(path)
    print(json.dumps([name, outcome, megabytes, seconds]), flush=True)
    os._exit(0)
"""


def encoded(form, size=(40, 30), **options):
    file = io.BytesIO()
    Image.new("RGB", size, "red").save(file, form, **options)
    return file.getvalue()


def chunk(kind, body=b""):
    check = struct.pack(">I", zlib.crc32(kind + body))
    return struct.pack(">I", len(body)) + kind + body + check


def zeros(megabytes):
    """A zlib stream that inflates to zeros."""
    packer = zlib.compressobj(1)
    parts = [packer.compress(bytes(2**20)) for _ in range(megabytes)]
    return b"".join([*parts, packer.flush()])


def png(side=4, color=2, bits=8, before=b"", pixels=None, after=b""):
    header = struct.pack(">IIBBBBB", side, side, bits, color, 0, 0, 0)
    pixels = zlib.compress(bytes(52)) if pixels is None else pixels
    signature = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return signature + before + chunk(b"IDAT", pixels) + after + chunk(b"IEND")


def gif(screen, frame):
    """A GIF whose first frame has another size than its screen."""
    return (
        b"GIF89a"
        + struct.pack("<HHBBB", screen, screen, 0x80, 0, 0)
        + bytes(6)
        + b","
        + struct.pack("<HHHHB", 0, 0, frame, frame, 0)
        + b"\x02\x02\x44\x01\x00;"
    )


def animation(form, frames):
    pages = [Image.new("P", (8, 8), i % 250) for i in range(frames)]
    file = io.BytesIO()
    pages[0].save(file, form, save_all=True, append_images=pages[1:])
    return file.getvalue()


def bmp(width, height, compression=0, bits=24, body=b""):
    header = struct.pack(
        "<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, 0, 0
    )
    palette = bytes(1024) if bits == 8 else b""
    start = 14 + len(header) + len(palette)
    size = start + len(body)
    file = b"BM" + struct.pack("<IHHI", size, 0, 0, start)
    return file + header + palette + body


def tiff(tags, body=b""):
    """A TIFF of tags `{number: (type, count, value)}` that overwrite red's."""
    usual = {256: 16, 257: 16, 258: 8, 259: 1, 262: 1, 273: 1000}
    usual |= {277: 1, 278: 16, 279: 256}
    tags = {tag: (4, 1, usual[tag]) for tag in usual} | tags
    entries = b"".join(
        struct.pack("<HHII", number, *tags[number]) for number in sorted(tags)
    )
    start = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)
    return start.ljust(1000, b"\0") + bytes(256) + body


def jpeg_of_segments(segments):
    data = encoded("JPEG")
    return data[:2] + segments + data[2:]


def segment(marker, body):
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


def jpeg_of_scans(side, scans):
    """A progressive JPEG that goes over its pixels again and again."""
    data = bytearray(encoded("JPEG", (16, 16), progressive=True))
    frame = data.index(b"\xff\xc2")
    data[frame + 5 : frame + 9] = struct.pack(">HH", side, side)
    last = data.rindex(b"\xff\xda")
    return bytes(data[:last]) + bytes(data[last:-2]) * scans + b"\xff\xd9"


def webp(side):
    size = struct.pack("<I", side - 1)[:3]
    extended = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + size + size
    loop = b"ANIM" + struct.pack("<I", 6) + bytes(6)
    body = b"WEBP" + extended + loop
    frame = encoded("WEBP", (4, 4), lossless=True)[12:]
    small = struct.pack("<I", 3)[:3]
    place = bytes(6) + small + small + bytes(4)
    body += b"ANMF" + struct.pack("<I", 16 + len(frame)) + place + frame
    return b"RIFF" + struct.pack("<I", len(body)) + body


def hostile_png():
    text = zeros(382)  # as many bytes as 50 million pixels of four 16-bit parts
    chunks = chunk(b"abCd") * 300_000
    yield "size", png(60_000), "too_large"
    yield "zTXt", png(before=chunk(b"zTXt", b"a\0\0" + text)), "damaged"
    yield "iTXt", png(before=chunk(b"iTXt", b"a\0\1\0\0\0" + text)), "damaged"
    yield "iCCP", png(before=chunk(b"iCCP", b"a\0\0" + text)), "damaged"
    yield "late zTXt", png(after=chunk(b"zTXt", b"a\0\0" + text)), "damaged"
    many = chunk(b"zTXt", b"a\0\0" + zeros(1)) * 900
    yield "many zTXt", png(before=many), "damaged"
    yield "chunks", png(before=chunks), "damaged"
    yield "late chunks", png(after=chunks), [4, 4, 3]
    yield "empty IDAT", png(after=chunk(b"IDAT") * 300_000), [4, 4, 3]
    yield "too many pixels", png(pixels=text), [4, 4, 3]
    full = [SIDE, SIDE, 3]
    yield "limit, transparent", png(SIDE, 6, 16, pixels=text), full
    yield "limit, grey", png(SIDE, 0, 16, pixels=text), full
    yield "limit, colors", png(SIDE, 2, pixels=text), full
    yield "frames", animation("PNG", 1000), [8, 8, 3]


def hostile_jpeg():
    exif = segment(0xE1, b"Exif\0\0" + bytes(65_000))
    profile = segment(0xE2, b"ICC_PROFILE\0\1\1" + bytes(65_000))
    some, thousands = exif * 20 + profile * 20, segment(0xE5, b"") * 100_000
    yield "size", CORRUPT["_jpeg_of_size"](65_500), "too_large"
    yield "some segments", jpeg_of_segments(some), RED
    yield "segments", jpeg_of_segments(thousands), "damaged"
    yield "EXIF", jpeg_of_segments(exif * 1000), "damaged"
    yield "profile", jpeg_of_segments(profile * 1000), "damaged"
    yield "scans", jpeg_of_scans(SIDE, 2000), "damaged"
    yield "limit, progressive", jpeg_of_scans(SIDE, 1), [SIDE, SIDE, 3]


def hostile_tiff():
    numbers = bytes(40 * 10**6)
    tile = {324: (4, 1, 1000), 325: (4, 1, 256)}
    tile |= {322: (4, 1, 30_000), 323: (4, 1, 30_000)}
    strip = {278: (4, 1, 2**31 - 1), 279: (4, 1, 2**31 - 1)}
    parts = {273: (4, 10**7, 1256), 279: (4, 10**7, 1256)}
    lzw = {259: (3, 1, 5)}
    size = {256: (4, 1, 60_000), 257: (4, 1, 60_000)}
    yield "whole", tiff({}), [16, 16, 3]
    yield "size", tiff(size), "too_large"
    yield "tile", tiff(tile), "too_large"
    yield "packed tile", tiff(tile | lzw), "too_large"
    twice = tiff(tile | lzw | {326: (4, 1, 16), 327: (4, 1, 16)})
    for tag in (326, 327):
        twice = twice.replace(
            struct.pack("<H", tag), struct.pack("<H", tag - 4)
        )
    yield "packed tile of two sizes", twice, "damaged"
    yield "packed strip", tiff(strip | lzw), "damaged"
    yield "count", tiff({258: (3, 2**31 - 1, 1000)}), "truncated"
    yield "tags", tiff({258: (3, 2 * 10**7, 1256)}, numbers), "truncated"
    yield "strips", tiff(parts, numbers), "truncated"
    yield "text", tiff({270: (2, 40 * 10**6, 1256)}, numbers), "truncated"


def hostile_others():
    yield "GIF, frames", animation("GIF", 1000), [8, 8, 3]
    yield "GIF, screen", gif(65_535, 1), "too_large"
    yield "GIF, frame", gif(1, 65_535), "too_large"
    comment = b"!\xfe" + (b"\xff" + bytes(255)) * 100_000 + b"\0"
    comments = gif(1, 1)[:19] + comment + gif(1, 1)[19:]
    yield "GIF, comments", comments, "damaged"
    yield "BMP, size", bmp(60_000, 60_000), "too_large"
    yield "BMP, size below zero", bmp(60_000, -60_000), "too_large"
    runs = bmp(SIDE, SIDE, 1, 8, b"\1\1" * 300_000)
    yield "BMP, runs", runs, "truncated"
    yield "WebP, size", webp(16_384), "too_large"
    yield "WebP, limit", webp(SIDE), [SIDE, SIDE, 3]
    yield "PPM, size", b"P6 60000 60000 255\n" + bytes(1000), "too_large"
    yield "PPM, comment", b"P6 #" + b"a" * 10**7, "damaged"
    yield "ICO", b"\0\0\1\0\1\0" + bytes(16) + png(60_000), "unsupported_format"


def measured(folder, cases):
    """Yields `(name, outcome, megabytes, seconds)` of decoding each."""
    (folder / "0").write_bytes(encoded("JPEG"))
    for i, (_, data, _) in enumerate(cases, start=1):
        (folder / str(i)).write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE]
        + [str(folder / str(i)) for i in range(len(cases) + 1)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    rows = {int(name): row for name, *row in rows}  # none of a killed fork
    assert rows[0][0] == RED, done.stderr
    for i, (name, _, _) in enumerate(cases, start=1):
        outcome, megabytes, seconds = rows.get(i, ("killed", 0, 0))
        yield name, outcome, megabytes - rows[0][1], seconds


@pytest.mark.parametrize("kind", CORRUPT["kinds"]())
def test_corrupted_image_has_its_reason(tmp_path, kind):
    path = tmp_path / "image.png"
    path.write_bytes(b"whole")
    CORRUPT["corrupt"](path, kind)
    with pytest.raises(UnreadableImage) as caught:
        ImageReader(tmp_path).read(ImageQuestions("0", path.name))
    assert caught.value.reason == REASONS[kind] in str(caught.value)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks to measure")
@pytest.mark.parametrize(
    "hostile", [hostile_png, hostile_jpeg, hostile_tiff, hostile_others]
)
def test_hostile_image_has_its_outcome_within_the_limits(tmp_path, hostile):
    cases = list(hostile())
    expected = {name: outcome for name, _, outcome in cases}
    outcomes = {}
    for name, outcome, megabytes, seconds in measured(tmp_path, cases):
        outcomes[name] = outcome
        at_limit = "limit" in name
        most = MOST_MEGABYTES_AT_LIMIT if at_limit else MOST_MEGABYTES
        assert megabytes < most, (name, megabytes)
        assert seconds < MOST_SECONDS, (name, seconds)
    assert outcomes == expected
