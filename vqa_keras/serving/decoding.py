"""Decodes a batch of image files in graphs of TensorFlow operations alone.

Every file costs its own row: `tf.data` drops the ones that fail. The header is
read first, because a small file can declare an image of any size. Pixels equal
those of `vqa_keras.images.decode`, which Pillow decodes.
"""

import tensorflow as tf

from vqa_keras.image_encoders.resize import resize
from vqa_keras.serving import bmp
from vqa_keras.serving import jpeg
from vqa_keras.serving import png
from vqa_keras.serving.file_bytes import checked
from vqa_keras.serving.file_bytes import starts_with
from vqa_keras.serving.orientation import upright

# Images in parallel; the larger they are, the fewer.
_AT_ONCE = (8, 2, 1)
# Not GIF: TensorFlow's decoder makes pixels of damaged ones.
_FORMATS = [
    (b"\xff\xd8\xff", jpeg.read),
    (b"\x89PNG\r\n\x1a\n", png.read),
    (b"BM", bmp.read),
]


def decode_batch(images, size, max_pixels):
    """Decodes and resizes image files.

    The images that are decoded at a time have at most `max_pixels` in all;
    those whose decoders take more memory count twice. An image above it is
    unreadable, as one is whose bytes are damaged or of another format.

    Args:
        images: string, `(B,)`, the bytes of files.
        size: `(height, width)`.
        max_pixels: int.

    Returns:
        pixels: uint8, `(B, height, width, 3)`, 0 where the file is unreadable.
        readable: bool, `(B,)`.
    """

    def attempt(state, chosen, read, at_once):
        """Decodes chosen rows that are left, if `at_once` of them may be."""
        pixels, readable, left = state

        def decode():
            places = tf.where(chosen & left)
            (image, fits), decoded = _each(
                lambda content: _decode(
                    read, content, size, max_pixels, max_pixels // at_once
                ),
                tf.gather_nd(images, places),
                (tf.zeros((*size, 3), "uint8"), True),
                at_once,
            )
            update = tf.tensor_scatter_nd_update
            return (
                update(pixels, places, image),
                update(readable, places, fits & decoded),
                update(left, places, tf.logical_not(fits)),
            )

        return tf.cond(tf.reduce_any(chosen & left), decode, lambda: state)

    with tf.device("cpu"):
        false = tf.zeros_like(images, "bool")
        shape = tf.concat([tf.shape(images), [*size, 3]], axis=0)
        state = tf.zeros(shape, "uint8"), false, tf.logical_not(false)
        for start, read in _FORMATS:
            chosen = starts_with(images, start)
            if read is jpeg.read:  # Most images need no more.
                state = attempt(state, chosen, jpeg.read_plain, _AT_ONCE[0])
            _, *state = tf.while_loop(
                lambda i, *state, chosen=chosen: (
                    (i < len(_AT_ONCE)) & tf.reduce_any(chosen & state[-1])
                ),
                lambda i, *state, chosen=chosen, read=read: (
                    i + 1,
                    *attempt(state, chosen, read, tf.gather(_AT_ONCE, i)),
                ),
                [0, *state],
            )
        pixels, readable, _ = state
        return tf.ensure_shape(pixels, [None, *size, 3]), readable


def _decode(read, content, size, max_pixels, limit):
    """Returns pixels, and whether the cost of the image is below a limit."""
    file = read(content, max_pixels)
    pixels = file.height * file.width
    cost = tf.where(file.heavy, 2 * pixels, pixels)
    with checked((pixels > 0) & (cost <= max_pixels), "too many pixels"):
        fits = (cost <= tf.cast(limit, "int64")) & file.handled

    def decode():
        image = tf.ensure_shape(file.decode(), [None, None, 3])
        if file.orientation is None:
            return resize(image, size)
        return upright(image, file.orientation, size)

    return tf.cond(fits, decode, lambda: tf.zeros((*size, 3), "uint8")), fits


def _each(function, inputs, blank, at_once):
    """Applies a function to each element and replaces those that fail.

    Args:
        function: takes an element of `inputs`, returns a tuple of tensors.
        inputs: tensor, `(B, ...)`.
        blank: tuple, in place of the results of an element that fails.
        at_once: int, elements in parallel.

    Returns:
        list of tensors, `(B, ...)`, and bool `(B,)`, which did not fail.
    """
    count = tf.shape(inputs)[0]
    options = tf.data.Options()  # no optimizer: it takes longer than the work
    options.autotune.enabled = False
    options.experimental_optimization.apply_default_optimizations = False
    rows = tf.data.Dataset.from_tensor_slices((tf.range(count), inputs))
    rows = rows.map(
        lambda row, element: (row, *function(element)),
        num_parallel_calls=tf.cast(at_once, "int64"),
    ).ignore_errors()
    # Never empty, and last: the result for elements that failed.
    rows = rows.concatenate(tf.data.Dataset.from_tensors((count, *blank)))
    rows = rows.batch(tf.cast(count, "int64") + 1).with_options(options)
    places, *results = rows.get_single_element()
    last = tf.size(places) - 1
    order = tf.tensor_scatter_nd_update(
        tf.fill([count + 1], last), places[:, None], tf.range(last + 1)
    )[:count]
    return [tf.gather(result, order) for result in results], order < last
