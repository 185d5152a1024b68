"""Formats of image files: those that are decoded and those that are named."""

import importlib.util
import struct

import numpy as np
import pytest
from PIL import Image

from tests.fixtures.codecs import skip_without_codec
from tests.images_test import KINDS
from tests.images_test import encoded
from tests.images_test import pixels
from tests.images_test import reason
from vqa_keras.images import UnreadableImage
from vqa_keras.images import decode


def test_max_pixels_holds_for_a_format_of_any_kind():
    for kind in KINDS:
        skip_without_codec(kind)
        data = encoded(pixels(16, 24), kind)
        assert decode(data, max_pixels=16 * 24).shape == (16, 24, 3)
        assert reason(data, max_pixels=16 * 24 - 1) == "too_large"


def test_reversible_jpeg_2000_gives_its_pixels():
    skip_without_codec("JPEG2000")
    for options in ({}, {"no_jp2": True}, {"tile_size": (4, 4)}):
        data = encoded(pixels(), "JPEG2000", num_resolutions=1, **options)
        np.testing.assert_array_equal(decode(data), pixels())


def test_avif_gives_nearly_its_pixels():
    skip_without_codec("AVIF")
    smooth = np.asarray(Image.fromarray(pixels()).resize((90, 60)))
    data = encoded(smooth, "AVIF", quality=95, subsampling="4:4:4")
    np.testing.assert_allclose(decode(data).astype(int), smooth, atol=24)


OTHER_FORMATS = {
    b"\0\0\1\0\1\0" + bytes(16): "ICO",
    b"8BPS\0\1" + bytes(40): "Photoshop",
    b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(40): "JPEG XL",
    b"\xff\x0a" + bytes(40): "JPEG XL",
    b"%PDF-1.7\n": "PDF",
    b"<svg xmlns='http://www.w3.org/2000/svg'/>": "SVG",
    b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- a --><svg></svg>": "SVG",
    b"\0\0\0\x18ftypcrx \0\0\0\1crx isom": "Canon raw",
    bytes(128) + b"DICM" + bytes(40): "DICOM",
}


@pytest.mark.parametrize("data", OTHER_FORMATS)
def test_a_format_that_is_not_decoded_is_named(data, tmp_path):
    assert reason(data) == "unsupported_format"
    path = tmp_path / "photo"
    path.write_bytes(data)
    name = OTHER_FORMATS[data]
    with pytest.raises(
        UnreadableImage, match=rf"photo, unsupported_format \({name}\)$"
    ) as caught:
        decode(path)
    assert caught.value.detail == name


def test_bytes_of_no_image_are_told_from_a_format():
    for data in (
        b"<!DOCTYPE html><title>404</title><svg></svg>",
        b"<?xml version='1.0'?><html><svg></svg></html>",
        b"\0\0\0\x18ftypisom\0\0\2\0isommp42",  # a film
        bytes(200),
    ):
        assert reason(data) == "not_an_image"


def test_heic_is_decoded_or_names_its_extra():
    data = b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(80)
    if importlib.util.find_spec("pillow_heif"):
        assert reason(data) == "truncated"
    else:
        assert reason(data) == "unsupported_format"
        with pytest.raises(UnreadableImage, match=r"HEIC: .*vqa-keras\[heic\]"):
            decode(data)


def codestream_of(image, **fields):
    """Returns a JPEG 2000 file with other numbers in its codestream."""
    data = bytearray(encoded(image, "JPEG2000"))
    start = data.index(b"\xff\x4f\xff\x51") + 8
    places = {"width": 0, "height": 4, "tile_width": 16, "tile_height": 20}
    for name, number in fields.items():
        struct.pack_into(">I", data, start + places[name], number)
    return bytes(data)


def test_a_jpeg_2000_of_other_pixels_than_its_header_is_damaged():
    skip_without_codec("JPEG2000")
    image = pixels(16, 32)
    same = codestream_of(image, width=32, height=16)
    np.testing.assert_array_equal(decode(same), image)
    for other in ({"width": 60_000, "height": 60_000}, {"width": 33}):
        assert reason(codestream_of(image, **other)) == "damaged"


def test_a_jpeg_2000_of_too_many_tiles_is_damaged():
    skip_without_codec("JPEG2000")
    tiles = {"tile_width": 1, "tile_height": 1}
    assert reason(codestream_of(pixels(80, 60), **tiles)) == "damaged"
    none = {"tile_width": 0, "tile_height": 0}
    assert reason(codestream_of(pixels(80, 60), **none)) == "damaged"
