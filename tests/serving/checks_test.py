"""Inputs that cannot be right fail with a message that says so."""

import numpy as np
import pytest
import tensorflow as tf

from vqa_keras.serving import checks

InvalidArgumentError = tf.errors.InvalidArgumentError


@tf.function(autograph=False)
def checked_features(inputs):
    return checks.check_features(inputs, 7)


@tf.function(autograph=False)
def checked_questions(images, questions):
    return checks.check_questions(images, questions)


@tf.function(autograph=False)
def checked_outputs(outputs):
    return checks.check_outputs(outputs)


def inputs(**changed):
    given = {
        "regions": np.ones((2, 6, 3), "float32"),
        "token_ids": np.array([[2, 6], [1, 0]], "int32"),
    }
    return {k: tf.constant(v) for k, v in {**given, **changed}.items()}


def test_right_features_and_an_empty_batch_pass():
    for given in (inputs(), {k: v[:0] for k, v in inputs().items()}):
        outputs = checked_features(given)
        for name, value in given.items():
            np.testing.assert_array_equal(outputs[name], value)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"token_ids": np.array([[2], [7]], "int32")}, "from 0 to 6.*Received"),
        ({"token_ids": np.array([[2], [-1]], "int32")}, "from 0 to 6"),
        ({"token_ids": np.zeros((2, 1001), "int32")}, "1 to 1000 per question"),
        ({"token_ids": np.zeros((2, 0), "int32")}, "1 to 1000 per question"),
        ({"token_ids": np.zeros((3, 2), "int32")}, "one image per question"),
        ({"regions": np.ones((2, 10_001, 1), "float32")}, "1 to 10000 regions"),
        ({"regions": np.full((2, 6, 3), np.nan, "float32")}, "be finite"),
        ({"regions": np.full((2, 6, 3), np.inf, "float32")}, "be finite"),
    ],
)
def test_wrong_features_are_refused(changed, message):
    with pytest.raises(InvalidArgumentError, match=message):
        checked_features(inputs(**changed))


def test_other_numbers_of_questions_than_of_images_are_refused():
    with pytest.raises(InvalidArgumentError, match="one question per image"):
        checked_questions(tf.constant(["a", "b"]), tf.constant(["what"]))


def test_a_question_above_the_limit_is_refused():
    limit = checks.MAX_QUESTION_BYTES
    checked_questions(tf.constant([""]), tf.constant(["a" * limit]))
    with pytest.raises(InvalidArgumentError, match="10000 bytes each"):
        checked_questions(tf.constant([""]), tf.constant(["a" * (limit + 1)]))


def test_outputs_that_are_not_finite_are_refused():
    outputs = {"answers": tf.constant(["a"]), "scores": tf.constant([0.5])}
    assert checked_outputs(outputs)["scores"].numpy() == [0.5]
    outputs["scores"] = tf.constant([np.nan], "float32")
    with pytest.raises(InvalidArgumentError, match="finite scores"):
        checked_outputs(outputs)
