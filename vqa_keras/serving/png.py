"""Reads the chunks of a PNG before its pixels are decoded, in graphs."""

import tensorflow as tf

from vqa_keras.serving import file_bytes
from vqa_keras.serving.file_bytes import checked
from vqa_keras.serving.file_bytes import number
from vqa_keras.serving.file_bytes import part
from vqa_keras.serving.file_bytes import starts_with
from vqa_keras.serving.image_file import ImageFile
from vqa_keras.serving.image_file import by_strips
from vqa_keras.serving.orientation import orientation

_HEADER = 33  # bytes before the second chunk
_FRAME = 12  # bytes of a chunk beside its data: length, kind, checksum
_SHORT = 1024  # bytes of data; tables of colors take 768
_END = b"\0\0\0\0IEND\xaeB`\x82"
# Chunks that change no pixels, or whose checksums the decoder checks.
_OTHER_CHUNKS = [
    b"IDAT",
    b"IEND",
    b"PLTE",
    b"acTL",
    b"bKGD",
    b"cHRM",
    b"fcTL",
    b"fdAT",
    b"gAMA",
    b"iCCP",
    b"iTXt",
    b"pHYs",
    b"sBIT",
    b"sRGB",
    b"tEXt",
    b"tIME",
    b"zTXt",
]
_XMP = b"XML:com.adobe.xmp\0"
_OLD_EXIF = b"Raw profile type exif\0"


def read(content, max_pixels):
    """Returns the `ImageFile` of the chunks of a PNG that hold its pixels.

    The decoder would decompress texts and color profiles without a limit.
    """
    data = tf.io.decode_raw(content, tf.uint8)
    with checked(part(content, 8, 8) == b"\0\0\0\rIHDR", "no header"):
        width, height = number(data, 16, 4), number(data, 20, 4)
    depth, color = data[24], data[25]

    def kind_at(position):
        return part(content, position + 4, 4)

    def more(position, *_):
        # Where less than a chunk is left, what came before is the file.
        return position + _FRAME <= tf.size(data, "int64")

    def step(position, head, start, end, transparent, exif, xmp):
        length = number(data, position, 4)
        kind = kind_at(position)
        short = length <= _SHORT
        # Pixels: all chunks of one length at once.
        of_pixels = kind == b"IDAT"
        blocks = tf.cond(
            of_pixels,
            lambda: file_bytes.equal_blocks(data, position, length + _FRAME, 8),
            lambda: tf.constant(1, "int64"),
        )
        following = position + blocks * (length + _FRAME)
        begun = start > 0
        in_order = tf.logical_not(of_pixels & begun) | (position == end)
        start = tf.where(of_pixels & tf.logical_not(begun), position, start)
        end = tf.where(of_pixels, following, end)
        alpha = kind == b"tRNS"
        colors = (kind == b"PLTE") | alpha
        is_exif = kind == b"eXIf"
        sound = (short | tf.logical_not(colors)) & in_order
        sound &= following <= tf.size(data, "int64")
        with checked(sound, "chunk"):
            whole = part(content, position, length + _FRAME)
        own = part(whole, 8, length)
        # The decoder ignores a chunk whose name or checksum is wrong; the name
        # may have been one of these.
        unknown = tf.reduce_all(kind != _OTHER_CHUNKS)
        right = tf.cond(
            unknown & short,
            lambda: (
                file_bytes.crc32(data[position + 4 : position + 8 + length])
                == number(data, position + 8 + length, 4)
            ),
            lambda: tf.logical_not(unknown),
        )
        is_xmp = (kind == b"iTXt") & (starts_with(own, _XMP))
        packed = is_xmp & (part(own, len(_XMP), 1) != b"\0")
        old = starts_with(own, _OLD_EXIF)
        with checked(right & tf.logical_not(packed | old), "metadata"):
            head = tf.where(colors, tf.strings.join([head, whole]), head)
        return (
            # Nothing counts behind the end.
            tf.where(kind == b"IEND", tf.size(data, "int64"), following),
            head,
            start,
            end,
            transparent | alpha,
            tf.where(is_exif, own, exif),
            tf.where(is_xmp, own, xmp),
        )

    zero = tf.constant(0, "int64")
    state = [
        tf.constant(_HEADER, "int64"),
        part(content, 0, _HEADER),
        zero,
        zero,
        tf.constant(False),
        tf.constant(b""),
        tf.constant(b""),
    ]
    _, head, start, end, transparent, exif, xmp = file_bytes.walk(
        more, step, state
    )
    few_bits = (color == 0) & (depth < 8)
    deep = depth == 16
    # Pillow compares such a color with other values than the decoder does.
    alike = tf.logical_not(transparent & (few_bits | deep))
    with checked(alike & (start > 0), "transparency, or no pixels"):
        body = part(content, start, end - start)
    alpha = transparent | (color >= 4)
    gray16 = deep & (color == 0)
    clean = tf.strings.join([head, body, _END])
    png = tf.io.decode_png

    def decode():
        return tf.switch_case(
            tf.where(alpha, 1, tf.where(gray16, 2, 0)),
            [
                lambda: png(clean, channels=3),
                lambda: by_strips(_on_white, png(clean, channels=4)),
                lambda: by_strips(_of_16_bits, png(clean, 1, tf.uint16)),
            ],
        )

    heavy = alpha | gray16
    return ImageFile(height, width, heavy, decode, orientation(exif, xmp))


def _on_white(pixels):
    """Blends RGBA with white, rounded as Pillow does."""
    colors, alpha = pixels[..., :3], tf.cast(pixels[..., 3:], "int32")
    mixed = tf.cast(colors, "int32") * alpha + (255 - alpha) * 255 + 128
    return tf.cast((mixed // 256 + mixed) // 256, "uint8")


def _of_16_bits(pixels):
    scaled = tf.cast((tf.cast(pixels, "int32") + 128) // 257, "uint8")
    return tf.repeat(scaled, 3, axis=-1)
