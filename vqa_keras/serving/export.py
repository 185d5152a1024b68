"""Writes a task as a SavedModel from image bytes and strings to answers."""

import math
import os
import pathlib
import shutil

import keras
import tensorflow as tf

from vqa_keras.errors import UserError
from vqa_keras.image_encoders.resize import resize
from vqa_keras.lock import one_writer


def export(task, directory, version=1, top_k=5):
    """Writes `directory/version/`, a SavedModel for TF Serving.

    The SavedModel has two signatures of B questions:

    - `serving_default`: `images`, string `(B,)`, the bytes of PNG, JPEG, GIF
      or BMP files, and `questions`, string `(B,)`;
    - `tokens`: `regions`, float32 `(B, M, C)`, the features of the image
      encoder's grid in raster order, or `grid_1`, `grid_2`, ...
      `(B, h, w, C)` for a model of several CNN layers; and `token_ids`, int32
      `(B, N)`, 0 at padding.

    Both return `answers`, string `(B, K)`, the most probable first; `scores`,
    float32 `(B, K)`, their probabilities; and every attention by its name, such
    as `regions_1`, float32, with each axis of regions as a grid: `(B, h, w)`.

    All ops are core TensorFlow, so the SavedModel loads without vqa_keras and
    without tensorflow_text. TensorFlow's image decoder ignores transparency
    and EXIF orientation.

    Args:
        task: `VQA` with a preprocessor and an image encoder.
        directory: str or path, folder of the model's versions.
        version: int, name of the subfolder. Defaults to 1.
        top_k: int, number K of answers, at most the number of classes.
            Defaults to 5.

    Returns:
        `pathlib.Path` of the SavedModel, which appears under its name only
        when it is complete.

    Raises:
        UserError: if the version exists, the task has no preprocessor or image
            encoder, the backend is not TensorFlow, or the files cannot be
            written.

    Example:
    ```python
    task = vqa_keras.models.VQA.from_preset("stacked_easy_vqa")
    path = vqa_keras.serving.export(task, "served")  # served/1
    answer = tf.saved_model.load(str(path)).signatures["serving_default"]
    ```
    """
    if task.preprocessor is None or task.backbone.image_encoder is None:
        raise UserError(
            "`task` must have a preprocessor and an image encoder (see "
            f"VQA.with_image_encoder). Received: {task.preprocessor} and "
            f"{task.backbone.image_encoder}"
        )
    directory = pathlib.Path(directory)
    target = directory / str(version)
    if target.exists():
        raise UserError(
            f"{target} must be a new folder; choose another --version or "
            "--output. Received: an existing folder"
        )
    if keras.config.backend() != "tensorflow":
        raise UserError(
            "KERAS_BACKEND must be tensorflow to write a SavedModel. "
            f"Received: {keras.config.backend()}"
        )
    with one_writer(target, directory / f".{version}.lock"):
        _write(task, directory, target, top_k)
    return target


def _write(task, directory, target, top_k):
    # Not a number, so that TF Serving ignores the rest of a killed export.
    temporary = directory / f"unfinished-{target.name}"
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _archive(task, min(top_k, task.num_classes)).write_out(
            str(temporary), verbose=False
        )
        os.replace(temporary, target)
    except (OSError, tf.errors.OpError) as error:
        raise UserError(
            f"{target} must be in a writable folder with enough space. "
            f"Received: {error}"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


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
