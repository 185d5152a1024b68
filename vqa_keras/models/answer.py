from typing import NamedTuple

import numpy as np


class Answer(NamedTuple):
    """Best answers to one question, with their probabilities and attention.

    Attributes:
        answers: list of str, best first.
        probabilities: list of float, one per answer.
        attention: dict of NumPy arrays by name (`vqa_keras.attention_axes`). If
            the regions are the cells of a grid, their axis is two, `(h, w)`.
        words: list of str, the words of the question: the first positions on
            the axis of words. The positions after them are padding.
        unused_words: list of str, the words that the model does not read: at
            the start of a question that is too long, or not in its vocabulary.
    """

    answers: list
    probabilities: list
    attention: dict
    words: list
    unused_words: list


def is_many(items):
    """Returns whether `items` is a list, a tuple or an array of items."""
    if isinstance(items, (list, tuple)):
        return True
    ranks = {"U": 1, "S": 1, "O": 1}  # arrays of questions; images have 4
    kind = getattr(getattr(items, "dtype", None), "kind", "")
    return np.ndim(items) == ranks.get(kind, 4) if kind else False


def pair(image, question):
    """Returns lists of images and questions of equal length.

    Raises:
        ValueError: if the lengths differ and neither is 1.
    """
    images = list(image) if is_many(image) else [image]
    questions = list(question) if is_many(question) else [question]
    if len(images) == 1:
        images = images * len(questions)
    if len(questions) == 1:
        questions = questions * len(images)
    if len(images) != len(questions):
        raise ValueError(
            "`image` and `question` must be lists of equal length, or one of "
            f"them a single item. Received: {len(images)} images and "
            f"{len(questions)} questions"
        )
    return images, questions
