"""One answered question with its attention."""

import dataclasses
import html

import numpy as np

from vqa_keras.visualization.page import page


@dataclasses.dataclass(frozen=True)
class Example:
    """One answered question with its attention.

    As the last line of a notebook's cell it displays its card, the same one
    that `page` and `write_report` show. What is None is left out of the card.

    Attributes:
        image: uint8 array, `(H, W, 3)`.
        question: str.
        answers: list of str, the predicted answers, the most probable first.
        probabilities: list of float in [0, 1], one per predicted answer.
        attention: dict, name -> float array. How each is drawn follows from
            its name: see `vqa_keras.visualization.kinds.draw`.
        words: list of str, the words of the question, one for each place on
            the attention's axis of words up to the padding; empty if unknown.
        answer: str, the true answer, `""` where the data set has none; or
            None.
        correct: bool, whether the first predicted answer is right, or None.
        image_id: str or int, or None.

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
    answer: str | None = None
    correct: bool | None = None
    image_id: str | int | None = None

    def _repr_html_(self):
        """The page in a frame: its style must not reach the notebook's own."""
        source = html.escape(page(self), quote=True)
        return (
            f'<iframe sandbox srcdoc="{source}" title="Answered question" '
            f'style="width: 100%; height: {_FRAME}px; border: 0"></iframe>'
        )


_FRAME = 640  # height in pixels; longer cards scroll
