from typing import NamedTuple

import numpy as np


class Answer(NamedTuple):
    """The answer to one question, as `VQA.ask` returns it.

    Attributes:
        answers: list of str, best first.
        probabilities: list of float, one per answer.
        attention: dict of NumPy arrays by name (`vqa_keras.attention_axes`);
            an axis of a grid's regions is two, `(h, w)`.
        words: list of str, one for each place on the axis of words; places
            after the last are padding.
    """

    answers: list
    probabilities: list
    attention: dict
    words: list


def is_many(items):
    """Whether it is a list, a tuple, or an array of questions or images."""
    if isinstance(items, (list, tuple)):
        return True
    many = {"U": 1, "S": 1, "O": 1}  # ranks of questions; images have 4
    kind = getattr(getattr(items, "dtype", None), "kind", "")
    return np.ndim(items) == many.get(kind, 4) if kind else False


def pair(image, question):
    """Returns lists of images and questions, of one length.

    Raises:
        ValueError: if both are lists of different lengths, none of them 1.
    """
    images = list(image) if is_many(image) else [image]
    questions = list(question) if is_many(question) else [question]
    if len(images) == 1:
        images = images * len(questions)
    if len(questions) == 1:
        questions = questions * len(images)
    if len(images) != len(questions):
        raise ValueError(
            "`image` and `question` must be lists of one length, or one of "
            f"them alone. Received: {len(images)} images and "
            f"{len(questions)} questions"
        )
    return images, questions
