"""Writes a task as a SavedModel: bytes and strings in, answers out."""

import math
import os
import pathlib
import shutil

import keras
import tensorflow as tf

from vqa_keras.errors import UserError
from vqa_keras.image_encoders.resize import resize


def export(task, directory, version=1, top_k=5):
    """Writes `directory/version/`, a SavedModel for TF Serving.

    Two signatures, both with a batch of B questions:

    - `serving_default`: `images`, string `(B,)`, the bytes of PNG, JPEG, GIF
      or BMP files, and `questions`, string `(B,)`;
    - `tokens`: `regions`, float32 `(B, M, C)`, the features of the grid in
      raster order as the image encoder gives them, or `grid_1`, `grid_2`, ...
      `(B, h, w, C)` for a model of several CNN layers; and `token_ids`, int32
      `(B, N)`, 0 at padding.

    Both return `answers`, string `(B, K)`, best first; `scores`, float32
    `(B, K)`, their probabilities; and every attention by its name, such as
    `regions_1`, float32, each axis of regions on the grid: `(B, h, w)`.

    All ops are of TensorFlow itself, so the SavedModel loads without
    vqa_keras and without tensorflow_text. A picture's transparency and EXIF
    orientation are ignored: the decoder of TensorFlow knows neither.

    Args:
        task: a `VQA` with preprocessor and image encoder.
        directory: folder of the model's versions.
        version: int, name of the subfolder.
        top_k: int, how many answers; at most as many as there are.

    Returns:
        The path of the SavedModel. It appears under its name when it is whole.

    Raises:
        UserError: if the version exists, the task cannot take pictures, the
            backend is not TensorFlow, or the disk does not take the files.
    """
    if task.preprocessor is None or task.backbone.image_encoder is None:
        raise UserError(
            "needed a task with a preprocessor and an image encoder; see "
            f"VQA.with_image_encoder. Received: {type(task).__name__} without"
        )
    directory = pathlib.Path(directory)
    target = directory / str(version)
    if target.exists():
        raise UserError(
            f"{target} exists already: needed a new --version or --output"
        )
    if keras.config.backend() != "tensorflow":
        raise UserError(
            "a SavedModel is written on the TensorFlow backend: needed "
            "KERAS_BACKEND=tensorflow. Received: "
            f"{keras.config.backend()}"
        )
    # Not a number: TF Serving does not look into what a kill leaves.
    temporary = directory / f"unfinished-{version}"
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _archive(task, min(top_k, task.num_classes)).write_out(
            str(temporary), verbose=False
        )
        os.replace(temporary, target)
    except (OSError, tf.errors.OpError) as error:
        raise UserError(f"{target} cannot be written: {error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def _archive(task, top_k):
    pixels = task.answerer(top_k)
    grid_shape = task.backbone.grid_shape
    of_features = task.without_image_encoder()
    features = of_features.answerer(top_k, grid_shape)
    preprocessor = task.preprocessor
    height, width = preprocessor.image_size
    answers = tf.constant(preprocessor.answers)

    def respond(answerer, inputs):
        outputs = answerer.compute(inputs)
        return {
            "answers": tf.gather(answers, outputs["answers"]),
            "scores": outputs["probabilities"],
            **outputs["attention"],
        }

    def decode(content):
        image = tf.io.decode_image(content, channels=3, expand_animations=False)
        return tf.cast(resize(image, (height, width)), tf.float32)

    def serving_default(images, questions):
        decoded = tf.map_fn(
            decode,
            images,
            fn_output_signature=tf.TensorSpec((height, width, 3), tf.float32),
        )
        inputs = {
            "images": decoded,
            "token_ids": preprocessor.tokenizer(questions),
        }
        return respond(pixels, inputs)

    def tokens(inputs):
        if "regions" in inputs:
            shape = tf.shape(inputs["regions"])[:2]
            inputs = {**inputs, "regions_mask": tf.ones(shape, tf.int32)}
        return respond(features, inputs)

    specs = {
        name: tf.TensorSpec(tuple(tensor.shape), tensor.dtype, name=name)
        for name, tensor in of_features.input.items()
        if name != "regions_mask"
    }
    if "regions" in specs:
        channels = of_features.input["regions"].shape[-1]
        shape = (None, math.prod(grid_shape), channels)
        specs["regions"] = tf.TensorSpec(shape, tf.float32, name="regions")
    archive = keras.export.ExportArchive()
    archive.track(task)
    archive.track(of_features)
    for table in preprocessor.tokenizer.lookup_tables():
        archive.track(table)
    archive.add_endpoint(
        "serving_default",
        serving_default,
        input_signature=[
            tf.TensorSpec((None,), tf.string, name="images"),
            tf.TensorSpec((None,), tf.string, name="questions"),
        ],
    )
    archive.add_endpoint(
        "tokens",
        tokens,
        input_signature=[specs],
    )
    return archive
