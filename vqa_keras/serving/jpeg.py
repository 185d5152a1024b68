"""Reads the segments of a JPEG before its pixels are decoded, in graphs."""

import tensorflow as tf

from vqa_keras.serving import file_bytes
from vqa_keras.serving.file_bytes import checked
from vqa_keras.serving.file_bytes import number
from vqa_keras.serving.file_bytes import part
from vqa_keras.serving.file_bytes import starts_with
from vqa_keras.serving.image_file import ImageFile
from vqa_keras.serving.orientation import orientation

_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_PROGRESSIVE = [0xFFC2, 0xFFC6, 0xFFCA, 0xFFCE]
_METADATA = 0xFFE1
_SCAN = 0xDA
_SCANS = 8  # of an image of the most pixels; 10 are usual in a half of them
_SCAN_PIXELS = 10_000  # that a scan costs at least


def read_plain(content, max_pixels):
    """Returns the `ImageFile` of a JPEG.

    Handles neither metadata, of which EXIF is a kind, nor progressive files.
    """
    file, _, marks = _open(content, max_pixels)
    special = [_METADATA & 0xFF, *(mark & 0xFF for mark in _PROGRESSIVE)]
    found = tf.reduce_any(marks[:, None] == tf.constant(special, "uint8"))
    return file._replace(handled=tf.logical_not(found))


def read(content, max_pixels):
    """Returns the `ImageFile` of a JPEG, with its orientation.

    Args:
        content: string, the file.
        max_pixels: int. Limits the scans, of which a small file can declare
            thousands.
    """
    file, data, _ = _open(content, max_pixels)

    def more(position, marker, *_):
        return tf.reduce_all(marker != [0xFFDA, 0xFFD9])

    def step(position, marker, progressive, exif, xmp):
        padding = marker == 0xFFFF
        length = tf.where(
            padding, tf.constant(-1, "int64"), number(data, position + 2, 2)
        )
        with checked((marker > 0xFF00) & (padding | (length >= 2)), "segment"):
            own = part(content, position + 4, tf.maximum(length - 2, 0))
        first = (marker == _METADATA) & (exif == b"")
        is_exif = first & (starts_with(own, _EXIF))
        is_xmp = (marker == _METADATA) & (starts_with(own, _XMP))
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
    exif = tf.strings.regex_replace(exif, r"^(Exif\x00\x00)+", "")
    return file._replace(heavy=progressive, orientation=orientation(exif, xmp))


def _open(content, max_pixels):
    """Returns an `ImageFile`, the bytes of a file, and those of its markers."""
    data = tf.io.decode_raw(content, tf.uint8)
    height, width, channels = tf.unstack(
        tf.image.extract_jpeg_shape(content, tf.int64)
    )
    # Pixels contain no marker; metadata may.
    marks = tf.boolean_mask(data[1:], data[:-1] == 0xFF)
    scans = tf.math.count_nonzero(marks == _SCAN)
    work = scans * tf.maximum(height * width, _SCAN_PIXELS)
    # Pillow converts CMYK by other rules.
    sound = (work <= _SCANS * max_pixels) & (channels < 4)
    with checked(sound, "too many scans, or CMYK"):
        width = tf.identity(width)

    def decode():
        # The method of Pillow.
        return tf.io.decode_jpeg(
            content, channels=3, dct_method="INTEGER_ACCURATE"
        )

    return ImageFile(height, width, False, decode), data, marks
