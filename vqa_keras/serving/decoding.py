"""Decodes a batch of image files in graphs of TensorFlow operations alone.

Every file costs its own row: `tf.data` drops the ones that fail. The header is
read first, because a small file can declare an image of any size. Pixels equal
those of `vqa_keras.images.decode`, which Pillow decodes.
"""

import tensorflow as tf

from vqa_keras.serving import bmp
from vqa_keras.serving import gif
from vqa_keras.serving import jpeg
from vqa_keras.serving import png
from vqa_keras.serving.file_bytes import checked
from vqa_keras.serving.file_bytes import starts_with
from vqa_keras.serving.orientation import upright

_AT_ONCE = 8  # images that are decoded in parallel
_STRIP = 2**18  # pixels whose colors are converted at once
_STARTS = [[b"\xff\xd8\xff"], [b"\x89PNG\r\n\x1a\n"], [b"GIF87a", b"GIF89a"], [b"BM"]]


def decode_batch(images, size, max_pixels):
    """Decodes and resizes image files.

    Of all images that are decoded at a time, pixels are at most `max_pixels`,
    those of progressive JPEG, of transparency and of 16 bits counted twice:
    their decoders take more memory. An image above it is unreadable, as one
    whose bytes are no image.

    Args:
        images: string, `(B,)`, the bytes of files.
        size: `(height, width)`.
        max_pixels: int.

    Returns:
        pixels: uint8, `(B, height, width, 3)`, 0 where the file is unreadable.
        readable: bool, `(B,)`.
    """
    with tf.device("cpu"):
        files, found = _each(
            lambda content: _read(content, max_pixels),
            [images],
            (b"", 0, 0, tf.constant(0, "int64")),
            _AT_ONCE,
        )
        largest = tf.maximum(tf.reduce_max(files[-1]), 1)
        (pixels,), decoded = _each(
            lambda *file: (_decode(*file, size),),
            [*files[:-1], found],
            (tf.zeros((*size, 3), "uint8"),),
            tf.clip_by_value(max_pixels // largest, 1, _AT_ONCE),
        )
        return pixels, decoded


def _each(function, inputs, blank, at_once):
    """Applies a function to each element and replaces those that fail.

    Args:
        function: takes the elements of `inputs`, returns a tuple of tensors.
        inputs: list of tensors, `(B, ...)`.
        blank: tuple, in place of the results of an element that fails.
        at_once: int, elements in parallel.

    Returns:
        list of tensors, `(B, ...)`, and bool `(B,)`, which did not fail.
    """
    count = tf.shape(inputs[0])[0]
    options = tf.data.Options()  # no optimizer: it takes longer than the work
    options.autotune.enabled = False
    options.experimental_optimization.apply_default_optimizations = False
    rows = tf.data.Dataset.from_tensor_slices((tf.range(count), *inputs))
    rows = rows.map(
        lambda row, *element: (row, *function(*element)),
        num_parallel_calls=at_once,
    ).ignore_errors()
    # Never empty, and last: what the rows of failed elements are.
    rows = rows.concatenate(tf.data.Dataset.from_tensors((count, *blank)))
    rows = rows.batch(tf.cast(count, "int64") + 1).with_options(options)
    places, *results = rows.get_single_element()
    last = tf.size(places) - 1
    order = tf.tensor_scatter_nd_update(
        tf.fill([count + 1], last), places[:, None], tf.range(last + 1)
    )[:count]
    return [tf.gather(result, order) for result in results], order < last


def _read(content, max_pixels):
    """Returns a file for `_decode`, its kind, its orientation and its cost."""
    data = tf.io.decode_raw(content, tf.uint8)
    known = [
        tf.reduce_any(
            [starts_with(content, start) for start in starts]
        )
        for starts in _STARTS
    ]
    with checked(tf.reduce_any(known), "no known format"):
        kind = tf.argmax(known, output_type="int32")
    upright = tf.constant(1)

    def read_jpeg():
        file, pixels, turn, progressive = jpeg.read(content, data, max_pixels)
        return file, 0, turn, pixels, progressive

    def read_png():
        file, pixels, turn, form = png.read(content, data)
        return file, 1 + form, turn, pixels, tf.cast(form > 0, "int32")

    def read_gif():
        file, pixels = gif.read(content, data)
        return file, 4, upright, pixels, 0

    def read_bmp():
        pixels, form = bmp.read(data)
        return content, 5 + form, upright, pixels, form

    file, decoder, turn, pixels, heavy = tf.switch_case(
        kind, [read_jpeg, read_png, read_gif, read_bmp]
    )
    cost = pixels * tf.cast(1 + heavy, "int64")
    with checked((pixels > 0) & (cost <= max_pixels), "too many pixels"):
        return tf.identity(file), decoder, turn, cost


def _decode(content, decoder, turn, found, size):
    with checked(found, "not read"):
        content = tf.identity(content)
    image = tf.switch_case(
        decoder,
        [
            # The method of Pillow; TensorFlow's default differs by up to 7.
            lambda: tf.io.decode_jpeg(
                content, channels=3, dct_method="INTEGER_ACCURATE"
            ),
            lambda: tf.io.decode_png(content, channels=3),
            lambda: _by_strips(_on_white, tf.io.decode_png(content, channels=4)),
            lambda: _by_strips(
                _of_16_bits, tf.io.decode_png(content, 1, tf.uint16)
            ),
            lambda: tf.io.decode_gif(content)[0],
            lambda: tf.io.decode_bmp(content, channels=3),
            lambda: _of_palette(content),
        ],
    )
    return upright(image, turn, size)


def _by_strips(function, image):
    """Returns `function(image)`, computed for some rows at a time."""
    rows = tf.maximum(_STRIP // tf.maximum(tf.shape(image)[1], 1), 1)
    count = -(-tf.shape(image)[0] // rows)
    strips = tf.TensorArray(
        tf.uint8, count, infer_shape=False, element_shape=(None, None, 3)
    )
    _, strips = tf.while_loop(
        lambda i, _: i < count,
        lambda i, strips: (
            i + 1,
            strips.write(i, function(image[i * rows : (i + 1) * rows])),
        ),
        [0, strips],
        parallel_iterations=1,
    )
    return strips.concat()


def _on_white(pixels):
    """Blends RGBA with white, rounded as Pillow does."""
    colors, alpha = pixels[..., :3], tf.cast(pixels[..., 3:], "int32")
    mixed = tf.cast(colors, "int32") * alpha + (255 - alpha) * 255 + 128
    return tf.cast((mixed // 256 + mixed) // 256, "uint8")


def _of_16_bits(pixels):
    scaled = tf.cast((tf.cast(pixels, "int32") + 128) // 257, "uint8")
    return tf.repeat(scaled, 3, axis=-1)


def _of_palette(content):
    table, colors = bmp.palette(tf.io.decode_raw(content, tf.uint8))
    indices = tf.io.decode_bmp(content)
    highest = tf.cast(tf.reduce_max(indices), "int64")
    with checked(highest < colors, "color"):
        indices = tf.identity(indices)
    return _by_strips(
        lambda strip: tf.gather(table, tf.cast(strip[..., 0], "int32")),
        indices,
    )
