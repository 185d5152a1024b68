"""The SavedModel decodes the pixels of `ask`, or says that it did not."""

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.same_pixels_test import FILES
from tests.same_pixels_test import drawing
from tests.same_pixels_test import turned
from vqa_keras.image_encoders.resize import resize
from vqa_keras.images import UnreadableImage
from vqa_keras.images import decode
from vqa_keras.serving.decoding import decode_batch

SIZE = (12, 20)
MAX_PIXELS = 40_000
READ = ("JPEG", "PNG", "BMP")


@pytest.fixture(scope="module")
def decode_files():
    """Returns a function from a list of bytes to pixels and `readable`."""
    graph = tf.function(
        lambda images: decode_batch(images, SIZE, MAX_PIXELS),
        input_signature=[tf.TensorSpec([None], tf.string)],
        autograph=False,
    )
    return lambda files: [
        v.numpy() for v in graph(tf.constant(files, "string"))
    ]


def encoded(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def files_of(forms):
    files = {name: make() for name, make in FILES.items()}
    return {
        name: encoded(image, form, **options)
        for name, (image, form, options) in files.items()
        if form in forms and name != "CMYK JPEG"
    }


def expected(data):
    return resize(decode(data), SIZE).astype(int)


def test_pixels_are_those_of_ask(decode_files):
    files = files_of(READ)
    for turn in range(1, 9):
        options = {"exif": turned(turn), "quality": 95}
        files[f"turn {turn}"] = encoded(drawing(), "JPEG", **options)
    files["gray BMP"] = encoded(drawing().convert("L"), "BMP")
    files["keyed PNG"] = encoded(drawing(), "PNG", transparency=(220, 30, 30))
    pixels, readable = decode_files(list(files.values()))
    assert readable.all(), [
        n for n, r in zip(files, readable, strict=True) if not r
    ]
    for name, row in zip(files, pixels, strict=True):
        np.testing.assert_allclose(
            row, expected(files[name]), atol=1, err_msg=name
        )


def test_orientation_of_xmp_is_read_where_exif_has_none(decode_files):
    xmp = b'<x tiff:Orientation="6"/>'
    data = encoded(drawing(), "JPEG", xmp=xmp)
    (row,), (readable,) = decode_files([data])
    assert readable
    np.testing.assert_allclose(row, expected(data), atol=1)
    assert decode(data).shape == (32, 16, 3)


def test_other_formats_are_unreadable_rows_of_zeros(decode_files):
    files = [
        *files_of(("GIF", "WEBP", "TIFF", "PPM")).values(),
        encoded(drawing().convert("CMYK"), "JPEG"),
        b"",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"BM",
        b"no image",
    ]
    pixels, readable = decode_files(files)
    assert not readable.any()
    assert not pixels.any()


def test_an_empty_batch_is_decoded(decode_files):
    pixels, readable = decode_files([])
    assert pixels.shape == (0, *SIZE, 3)
    assert readable.shape == (0,)


def one_bit_png(side):
    """Returns a small file of many white pixels."""
    rows = zlib.compress((b"\0" + b"\xff" * (side // 8)) * side, 9)
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)),
        (b"IDAT", rows),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data))
        + kind
        + data
        + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def test_an_image_bomb_costs_its_own_row_of_a_batch(decode_files):
    frames = [Image.new("P", (200, 200), i) for i in range(100)]
    bombs = [
        one_bit_png(12_000),
        encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        encoded(Image.new("RGB", (4000, 4000)), "WEBP"),
    ]
    good = encoded(drawing(), "PNG")
    for bomb in bombs:
        pixels, readable = decode_files([good] * 9 + [bomb] + [good] * 22)
        assert readable.sum() == 31 and not readable[9]
        np.testing.assert_array_equal(pixels[31], expected(good))


def test_images_above_the_limit_are_unreadable_by_their_header(decode_files):
    def photo(width, height, form, mode="RGB", **options):
        return encoded(Image.new(mode, (width, height)), form, **options)

    allowed = [
        photo(200, 200, "JPEG"),
        photo(200, 200, "PNG"),
        photo(200, 200, "BMP"),
        photo(200, 100, "JPEG", progressive=True),
        photo(200, 100, "PNG", "RGBA"),
        photo(200, 100, "BMP", "L"),
    ]
    above = [
        photo(201, 200, "JPEG"),
        photo(201, 200, "PNG"),
        photo(201, 200, "BMP"),
        photo(201, 100, "JPEG", progressive=True),
        photo(201, 100, "PNG", "RGBA"),
        photo(201, 100, "BMP", "L"),
    ]
    _, readable = decode_files(allowed + above)
    assert readable.tolist() == [True] * 6 + [False] * 6


def test_a_jpeg_of_too_many_scans_is_unreadable(decode_files):
    data = encoded(drawing(), "JPEG", progressive=True)
    start = data.rindex(b"\xff\xda")
    many = data[:start] + data[start:-2] * 50 + data[-2:]
    assert decode_files([data, many])[1].tolist() == [True, False]


def damaged(data, random, kind):
    data = bytearray(data)
    place = random.integers(min(len(data), 90 if kind % 2 else len(data)))
    if kind < 2:
        data[place] ^= 1 << random.integers(8)
    elif kind < 4:
        del data[place:]
    elif kind < 6:
        del data[place : place + random.integers(1, 9)]
    else:
        data[place:place] = random.bytes(random.integers(1, 9))
    return bytes(data)


@pytest.mark.slow
@pytest.mark.parametrize("form", [*READ, "GIF"])
def test_damaged_files_are_unreadable_or_decode_as_in_ask(decode_files, form):
    random = np.random.default_rng(len(form))
    sources = list(files_of([form]).values())
    files = [
        damaged(sources[i % len(sources)], random, i % 8) for i in range(320)
    ]
    pixels, readable = decode_files(files)
    assert form == "GIF" or 0 < readable.sum() < len(files)
    for data, row, is_readable in zip(files, pixels, readable, strict=True):
        try:
            image = expected(data)
        except UnreadableImage:
            assert not is_readable, data
            continue
        if is_readable:
            np.testing.assert_allclose(row, image, atol=1)
