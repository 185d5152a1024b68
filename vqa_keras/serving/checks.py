"""Checks the inputs of a SavedModel, in graphs, before they are used."""

import contextlib

import tensorflow as tf

MAX_QUESTION_BYTES = 10_000
MAX_WORDS = 1000
MAX_REGIONS = 10_000


@contextlib.contextmanager
def requirements(*conditions):
    """Fails with InvalidArgumentError before what is computed inside.

    Args:
        *conditions: tuples of a bool tensor, a str that states the condition,
            and the tensors or str that were received.
    """
    checks = [
        tf.debugging.Assert(condition, [f"{message}. Received:", *received])
        for condition, message, *received in conditions
    ]
    with tf.control_dependencies(checks):
        yield


def check_questions(images, questions):
    """Returns images and questions whose numbers and lengths are allowed."""
    lengths = tf.strings.length(questions)
    with requirements(
        (
            tf.size(images) == tf.size(questions),
            "`questions` must have one question per image",
            tf.size(questions),
            "questions,",
            tf.size(images),
            "images",
        ),
        (
            tf.reduce_all(lengths <= MAX_QUESTION_BYTES),
            f"`questions` must have at most {MAX_QUESTION_BYTES} bytes each",
            tf.reduce_max(lengths),
        ),
    ):
        return tf.identity(images), tf.identity(questions)


def check_features(inputs, vocabulary_size):
    """Returns features and token ids whose sizes and values are allowed.

    Args:
        inputs: dict of tensors: `token_ids`, and `regions` or grids.
        vocabulary_size: int.
    """
    ids = inputs["token_ids"]
    conditions = [
        (
            tf.reduce_all((ids >= 0) & (ids < vocabulary_size)),
            f"`token_ids` must be from 0 to {vocabulary_size - 1}",
            tf.reduce_min(ids),
            "to",
            tf.reduce_max(ids),
        ),
        (
            (tf.shape(ids)[1] >= 1) & (tf.shape(ids)[1] <= MAX_WORDS),
            f"`token_ids` must have 1 to {MAX_WORDS} per question",
            tf.shape(ids),
        ),
    ]
    for name, values in inputs.items():
        if name == "token_ids":
            continue
        shape = tf.shape(values)
        regions = tf.reduce_prod(shape[1:-1])
        conditions += [
            (
                shape[0] == tf.shape(ids)[0],
                f"`{name}` must have one image per question",
                shape[0],
                "images,",
                tf.shape(ids)[0],
                "questions",
            ),
            (
                (regions >= 1) & (regions <= MAX_REGIONS),
                f"`{name}` must have 1 to {MAX_REGIONS} regions per image",
                shape,
            ),
            (
                tf.reduce_all(tf.math.is_finite(values)),
                f"`{name}` must be finite",
                "NaN or infinity",
            ),
        ]
    with requirements(*conditions):
        return {name: tf.identity(value) for name, value in inputs.items()}


def check_outputs(outputs):
    """Returns outputs, of which no number is NaN or infinite."""
    numbers = [v for v in outputs.values() if v.dtype.is_floating]
    finite = [tf.reduce_all(tf.math.is_finite(v)) for v in numbers]
    with requirements(
        (
            tf.reduce_all(finite),
            "Inputs must have values that give finite scores and attention",
            "NaN or infinity",
        )
    ):
        return {name: tf.identity(value) for name, value in outputs.items()}
