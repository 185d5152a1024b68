from typing import NamedTuple


class Answer(NamedTuple):
    """What `VQA.ask` returns.

    Attributes:
        answers: list of str, best first.
        probabilities: list of float, one an answer.
        attention: dict of NumPy arrays by name; each axis of a grid's regions
            has become two, `(h, w)`. `vqa_keras.attention_axes` tells the axes.
        words: list of str, the words that were read, one for each place on
            the axis of words; places after the last are padding.
    """

    answers: list
    probabilities: list
    attention: dict
    words: list
