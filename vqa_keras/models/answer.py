from typing import NamedTuple


class Answer(NamedTuple):
    """What `VQA.ask` returns.

    Attributes:
        answers: list of str, best first.
        probabilities: list of float, one an answer.
        attention: dict of NumPy arrays by name; weights over a grid's regions
            have the grid's shape `(h, w)`.
    """

    answers: list
    probabilities: list
    attention: dict
