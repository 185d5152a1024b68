"""Holds an answered question with its attention, and displays it."""

import dataclasses
import html

import numpy as np

from vqa_keras.visualization.page import page


@dataclasses.dataclass(frozen=True)
class Example:
    """Holds an answered question with its attention.

    As the last expression of a notebook cell it displays its card, as `page`
    and `write_report` do. The card omits fields that are None.

    Attributes:
        image: uint8 array, `(H, W, 3)`.
        question: str.
        answers: list of str, the predicted answers, the most probable first.
        probabilities: list of float in [0, 1], one per predicted answer.
        attention: dict, name -> float array. The name determines the drawing,
            see `vqa_keras.visualization.kinds.draw`.
        words: list of str, the words of the question, one per position on the
            attention's axis of words, without padding. Defaults to empty, for
            unknown words.
        unused_words: list of str, the words of the question that the model does
            not read. Defaults to empty.
        answer: str, the true answer, `""` if the data set has none. Defaults to
            `None`.
        correct: bool, whether the first predicted answer is correct. Defaults
            to `None`, unknown.
        image_id: str or int. Defaults to `None`.
        question_id: str or int. Defaults to `None`.
        question_type: str. Defaults to `""`, unknown.
        answer_type: str. Defaults to `""`, unknown.

    Example:
    ```python
    answer = task.ask("shape.png", "what shape is it?")
    example = vqa_keras.visualization.Example(
        image=image,  # the pixels of shape.png
        question="what shape is it?",
        answers=answer.answers,
        probabilities=answer.probabilities,
        attention=answer.attention,
        words=answer.words,
    )
    pathlib.Path("answer.html").write_text(
        vqa_keras.visualization.page(example), encoding="utf-8"
    )
    ```
    """

    image: np.ndarray
    question: str
    answers: list
    probabilities: list
    attention: dict
    words: list = ()
    unused_words: list = ()
    answer: str | None = None
    correct: bool | None = None
    image_id: str | int | None = None
    question_id: str | int | None = None
    question_type: str = ""
    answer_type: str = ""

    def _repr_html_(self):
        """Returns the page in a frame, to keep its style from the notebook."""
        source = html.escape(page(self), quote=True)
        return (
            f'<iframe sandbox srcdoc="{source}" title="Answered question" '
            f'style="width: 100%; height: {_FRAME}px; border: 0"></iframe>'
        )


_FRAME = 640  # height in pixels; longer cards scroll
