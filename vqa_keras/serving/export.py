"""Writes a task as a SavedModel from image bytes and strings to answers."""

import math
import os
import pathlib
import shutil

import keras
import tensorflow as tf

from vqa_keras.errors import UserError
from vqa_keras.finite_weights import check_finite_weights
from vqa_keras.lock import one_writer
from vqa_keras.serving.checks import check_features
from vqa_keras.serving.checks import check_outputs
from vqa_keras.serving.checks import check_questions
from vqa_keras.serving.decoding import decode_batch


def export(task, directory, version=1, top_k=5, max_megapixels=25):
    """Writes `directory/version/`, a SavedModel for TF Serving.

    The SavedModel has two signatures of B questions:

    - `serving_default`: `images`, string `(B,)`, the bytes of PNG, JPEG or BMP
      files, and `questions`, string `(B,)`;
    - `tokens`: `regions`, float32 `(B, M, C)`, the features of the image
      encoder's grid in raster order, or `grid_1`, `grid_2`, ...
      `(B, h, w, C)` for a model of several CNN layers; and `token_ids`, int32
      `(B, N)`, 0 at padding.

    Both return `answers`, string `(B, K)`, the most probable first; `scores`,
    float32 `(B, K)`, their probabilities; and every attention by its name, such
    as `regions_1`, float32, with each axis of regions as a grid: `(B, h, w)`.

    `serving_default` also returns `readable`, bool `(B,)`: whether the image
    was decoded. A row whose image was not has empty answers, scores of 0 and
    attention of 0, and costs the other rows nothing. Pixels are those of
    `vqa_keras.images.decode`: upright by EXIF, transparency on white, 16 bits
    scaled. Unreadable are other formats, GIF too, JPEG in CMYK, BMP of other
    than 24 bits or 8 bits with a palette, damaged files, and images above
    `max_megapixels` by their header, before they are decoded.

    Other inputs that cannot be right fail with InvalidArgumentError: another
    number of questions than of images, a question above 10,000 bytes, token
    ids outside the vocabulary, more than 1,000 of them per question, features
    of more than 10,000 regions, or features or results that are not finite.

    All ops are core TensorFlow, so the SavedModel loads without vqa_keras and
    without tensorflow_text.

    Args:
        task: `VQA` with a preprocessor and an image encoder.
        directory: str or path, folder of the model's versions.
        version: int, name of the subfolder. Defaults to 1.
        top_k: int, number K of answers, at most the number of classes.
            Defaults to 5.
        max_megapixels: float, millions of pixels of an image, and of the
            images of a batch that are decoded at a time. Progressive JPEG,
            transparency and 16 bits count twice, for the memory that they
            take. Defaults to 25.

    Returns:
        `pathlib.Path` of the SavedModel, which appears under its name only
        when it is complete.

    Raises:
        UserError: if the version exists, the task has no preprocessor or image
            encoder, a weight is not finite, the backend is not TensorFlow,
            `max_megapixels` is not positive and finite, or the files cannot be
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
    if not 0 < max_megapixels < math.inf:
        raise UserError(
            "`max_megapixels` must be positive and finite. Received: "
            f"{max_megapixels}"
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
    check_finite_weights(task, "`task`")
    with one_writer(target, directory / f".{version}.lock"):
        _write(task, directory, target, top_k, int(max_megapixels * 1e6))
    return target


def _write(task, directory, target, top_k, max_pixels):
    # Not a number, so that TF Serving ignores the rest of a killed export.
    temporary = directory / f"unfinished-{target.name}"
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        top_k = min(top_k, task.num_classes)
        archive = _archive(task, top_k, max_pixels)
        archive.write_out(str(temporary), verbose=False)
        os.replace(temporary, target)
    except (OSError, tf.errors.OpError) as error:
        raise UserError(
            f"{target} must be in a writable folder with enough space. "
            f"Received: {error}"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _archive(task, top_k, max_pixels):
    pixels = task.answerer(top_k)
    grid_shape = task.backbone.grid_shape
    of_features = task.without_image_encoder()
    features = of_features.answerer(top_k, grid_shape)
    preprocessor = task.preprocessor
    answers = tf.constant(preprocessor.answers)

    def respond(answerer, inputs):
        # Some kernels fail on no row: a row of zeros is added to none.
        count = tf.shape(inputs["token_ids"])[0]
        added = tf.cast(count == 0, count.dtype)
        outputs = answerer.compute(
            {
                name: tf.pad(value, [[0, added]] + [[0, 0]] * (value.ndim - 1))
                for name, value in inputs.items()
            }
        )
        outputs = {
            "answers": tf.gather(answers, outputs["answers"]),
            "scores": outputs["probabilities"],
            **outputs["attention"],
        }
        return check_outputs(
            {name: value[:count] for name, value in outputs.items()}
        )

    def serving_default(images, questions):
        images, questions = check_questions(images, questions)
        decoded, readable = decode_batch(
            images, preprocessor.image_size, max_pixels
        )
        inputs = {
            "images": tf.cast(decoded, tf.float32),
            "token_ids": preprocessor.tokenizer(questions),
        }
        outputs = {
            name: _keep_rows(value, readable)
            for name, value in respond(pixels, inputs).items()
        }
        return {**outputs, "readable": readable}

    def tokens(inputs):
        inputs = check_features(
            inputs, preprocessor.tokenizer.vocabulary_size()
        )
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


def _keep_rows(value, kept):
    """Returns `value` with zeros, or "", in the rows that are not kept."""
    kept = tf.reshape(kept, [-1] + [1] * (len(value.shape) - 1))
    return tf.where(kept, value, tf.zeros_like(value))
