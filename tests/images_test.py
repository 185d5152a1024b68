import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.fixtures.codecs import skip_without_codec
from vqa_keras.image_encoders.resize import resize
from vqa_keras.images import UnreadableImage
from vqa_keras.images import decode
from vqa_keras.writing.stored_image import to_stored

KINDS = ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "JPEG2000"]


def pixels(height=6, width=9):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (height, width, 3), dtype="uint8")


def encoded(image, kind="PNG", **options):
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def png_chunk(kind, body):
    checksum = struct.pack(">I", zlib.crc32(kind + body))
    return struct.pack(">I", len(body)) + kind + body + checksum


def header_bomb(side=20_000):
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 1000)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", body)
        + png_chunk(b"IEND", b"")
    )


def reason(data, **options):
    with pytest.raises(UnreadableImage) as caught:
        decode(data, **options)
    return caught.value.reason


def test_rgb_png_gives_its_pixels():
    np.testing.assert_array_equal(decode(encoded(pixels())), pixels())


def test_one_pixel_is_an_image():
    assert decode(encoded(pixels(1, 1))).shape == (1, 1, 3)


def test_grey_fills_the_three_channels():
    grey = pixels()[..., 0]
    image = decode(encoded(grey))
    np.testing.assert_array_equal(image, np.stack([grey] * 3, -1))


def test_sixteen_bits_are_scaled_to_eight():
    grey = np.array([[0, 257, 32896, 65535]], dtype="uint16")
    image = decode(encoded(grey))
    np.testing.assert_array_equal(image[0, :, 1], [0, 1, 128, 255])


def test_transparent_pixels_are_white():
    rgba = np.zeros((2, 2, 4), dtype="uint8")
    rgba[0, 0] = (10, 20, 30, 255)
    rgba[0, 1] = (0, 0, 0, 128)
    image = decode(encoded(rgba))
    np.testing.assert_array_equal(image[0, 0], [10, 20, 30])
    np.testing.assert_allclose(image[0, 1], 127, atol=1)
    np.testing.assert_array_equal(image[1], 255)


def test_transparent_palette_color_is_white():
    palette = Image.new("P", (2, 1))
    palette.putpalette([0, 0, 0, 200, 0, 0])
    palette.putpixel((1, 0), 1)
    image = decode(encoded(palette, transparency=0))
    np.testing.assert_array_equal(image[0], [[255, 255, 255], [200, 0, 0]])


def test_cmyk_jpeg_keeps_its_colors():
    red = Image.new("RGB", (16, 16), (250, 5, 5)).convert("CMYK")
    image = decode(encoded(red, "JPEG", quality=95))
    np.testing.assert_allclose(image[8, 8], [250, 5, 5], atol=6)


def test_animation_gives_its_first_frame():
    frames = [Image.new("RGB", (8, 8), c) for c in ("red", "blue", "lime")]
    data = encoded(
        frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50
    )
    np.testing.assert_array_equal(decode(data)[4, 4], [255, 0, 0])


def test_exif_orientation_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6  # The camera was turned: rotate clockwise.
    top = np.zeros((16, 32, 3), dtype="uint8")
    top[:, :16] = 255
    image = decode(encoded(top, "JPEG", exif=exif, quality=95))
    assert image.shape == (32, 16, 3)
    assert image[:12].mean() > 250
    assert image[20:].mean() < 5


def test_bytes_without_an_image_have_a_reason():
    photo = encoded(pixels(64, 64), "JPEG")
    assert reason(b"") == "empty_file"
    assert reason(b"not an image, only text\n") == "not_an_image"
    assert reason(photo[: len(photo) // 2]) == "truncated"
    assert reason(photo[:10]) == "truncated"
    drawing = encoded(pixels(64, 64))
    assert reason(drawing[: len(drawing) // 2]) == "truncated"


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_at_any_byte_gives_an_image_or_a_reason(kind):
    skip_without_codec(kind)
    data = encoded(pixels(16, 16), kind)
    for length in range(0, len(data), 7):
        try:
            assert decode(data[:length]).shape == (16, 16, 3)
        except UnreadableImage as error:
            assert error.reason


@pytest.mark.parametrize("kind", KINDS)
def test_flipped_bytes_give_an_image_or_a_reason(kind):
    skip_without_codec(kind)
    rng = np.random.default_rng(1)
    data = encoded(pixels(16, 16), kind)
    for _ in range(100):
        broken = bytearray(data)
        broken[rng.integers(len(data))] = rng.integers(256)
        try:
            assert decode(bytes(broken), max_pixels=10**6).ndim == 3
        except UnreadableImage as error:
            assert error.reason


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("size", [(1, 1), (7, 17), (60, 80)])
def test_plain_jpeg_has_the_pixels_that_pillow_gives(subsampling, size):
    smooth = Image.fromarray(pixels()).resize(size, Image.Resampling.BICUBIC)
    for options in ({"quality": 30}, {"quality": 95, "optimize": True}):
        data = encoded(smooth, "JPEG", subsampling=subsampling, **options)
        np.testing.assert_array_equal(
            decode(data), np.asarray(Image.open(io.BytesIO(data)))
        )


@pytest.mark.slow
def test_damaged_jpeg_has_the_outcome_that_pillow_gives(monkeypatch):
    def outcome(data):
        try:
            return decode(data).tolist()
        except UnreadableImage as error:
            return error.reason

    rng = np.random.default_rng(0)
    whole = encoded(pixels(40, 56), "JPEG")
    damaged = []
    for _ in range(100):
        data = bytearray(whole)
        for place in rng.integers(0, len(data) - 2, 3):
            data[place] = rng.integers(256)
        cut = int(rng.integers(2, len(whole)))
        damaged += [bytes(data), whole[:cut] + b"\xff\xd9"]
    found = [outcome(data) for data in damaged]
    monkeypatch.setattr(tf.io, "decode_jpeg", refuse)
    assert found == [outcome(data) for data in damaged]
    assert {"damaged", "truncated"} & {x for x in found if isinstance(x, str)}


def refuse(*arguments, **options):
    raise tf.errors.InvalidArgumentError(None, None, "not this one")


def test_header_bomb_is_refused_without_memory():
    bomb = header_bomb()
    tracemalloc.start()
    assert reason(bomb) == "too_large"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_max_pixels_is_the_largest_size_allowed():
    data = encoded(pixels(6, 9))
    assert decode(data, max_pixels=54).shape == (6, 9, 3)
    assert reason(data, max_pixels=53) == "too_large"


def test_resize_is_equal_inside_tf_data_and_keeps_equal_sizes():
    image = pixels(20, 30)
    scaled = resize(image, (8, 8))
    assert isinstance(scaled, np.ndarray)
    assert scaled.dtype == "uint8"
    dataset = tf.data.Dataset.from_tensors(image)
    mapped = next(iter(dataset.map(lambda x: resize(x, (8, 8)))))
    np.testing.assert_array_equal(mapped, scaled)
    assert resize(image, (20, 30)) is image


def test_resize_averages_when_it_shrinks():
    stripes = np.zeros((8, 8, 3), dtype="uint8")
    stripes[:, ::2] = 200
    middle = resize(stripes, (4, 4))[1:3, 1:3]
    np.testing.assert_allclose(middle, 100, atol=30)


def test_plain_files_are_stored_as_they_are_and_others_as_png():
    plain = [encoded(pixels()), encoded(pixels(), "JPEG")]
    for data in plain:
        assert to_stored(data, decode(data)) == data
    exif = Image.Exif()
    exif[0x0112] = 6
    other = [
        encoded(pixels()[..., 0]),
        encoded(np.zeros((2, 2, 4), dtype="uint8")),
        encoded(pixels(), "JPEG", exif=exif),
        encoded(Image.new("CMYK", (4, 4)), "JPEG"),
        encoded(pixels(), "WEBP"),
    ]
    for data in other:
        image = decode(data)
        stored = to_stored(data, image)
        assert stored != data
        np.testing.assert_array_equal(tf.io.decode_png(stored), image)


def test_unreadable_exif_data_is_ignored():
    whole = encoded(pixels())
    damaged = png_chunk(b"eXIf", b"MX\0*" + bytes(12))
    data = whole[:33] + damaged + whole[33:]  # after signature and header
    np.testing.assert_array_equal(decode(data), pixels())
    assert to_stored(data, pixels()) == data
