"""Reads the segments of a JPEG before its pixels are decoded, in graphs."""

import tensorflow as tf

from vqa_keras.serving import file_bytes
from vqa_keras.serving.file_bytes import checked
from vqa_keras.serving.file_bytes import number
from vqa_keras.serving.file_bytes import part
from vqa_keras.serving.file_bytes import starts_with
from vqa_keras.serving.orientation import orientation

_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_PROGRESSIVE = [0xFFC2, 0xFFC6, 0xFFCA, 0xFFCE]
_SCANS = 8  # of an image of the most pixels; 10 are usual in a half of them
_SCAN_PIXELS = 10_000  # that a scan costs at least


def read(content, data, max_pixels):
    """Reads the header of a JPEG.

    Args:
        content: string, the file.
        data: uint8, its bytes.
        max_pixels: int. Limits the scans, of which a small file can declare
            thousands.

    Returns:
        content: string, the file.
        pixels: int64, their number.
        orientation: int32, as in EXIF.
        progressive: int32, 1 if all coefficients are kept in memory.
    """
    shape = tf.image.extract_jpeg_shape(content, tf.int64)
    pixels = shape[0] * shape[1]

    def more(position, marker, *_):
        return tf.reduce_all(marker != [0xFFDA, 0xFFD9])

    def step(position, marker, progressive, exif, xmp):
        padding = marker == 0xFFFF
        length = tf.where(
            padding, tf.constant(-1, "int64"), number(data, position + 2, 2)
        )
        with checked((marker > 0xFF00) & (padding | (length >= 2)), "segment"):
            own = part(
                content, position + 4, tf.maximum(length - 2, 0)
            )
        first = (marker == 0xFFE1) & (exif == b"")
        is_exif = first & (starts_with(own, _EXIF))
        is_xmp = (marker == 0xFFE1) & (
            starts_with(own, _XMP)
        )
        position += 2 + length
        return (
            position,
            number(data, position, 2),
            progressive | tf.reduce_any(marker == _PROGRESSIVE),
            tf.where(is_exif, own, exif),
            tf.where(is_xmp, own, xmp),
        )

    _, _, progressive, exif, xmp = file_bytes.walk(
        more,
        step,
        [
            tf.constant(2, "int64"),
            number(data, 2, 2),
            tf.constant(False),
            tf.constant(b""),
            tf.constant(b""),
        ],
    )
    starts = (data[:-1] == 0xFF) & (data[1:] == 0xDA)
    scans = tf.math.count_nonzero(starts)
    work = scans * tf.maximum(pixels, _SCAN_PIXELS)
    with checked(work <= _SCANS * max_pixels, "too many scans"):
        pixels = tf.identity(pixels)
    exif = tf.strings.regex_replace(exif, r"^(Exif\x00\x00)+", "")
    return content, pixels, orientation(exif, xmp), tf.cast(progressive, "int32")
