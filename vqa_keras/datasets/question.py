"""Items of a `QuestionTable`: questions, images and dropped items.

`json.dumps(value, default=vars)` serializes them.
"""

import dataclasses
import re
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from vqa_keras.text.answers import most_common_answer
from vqa_keras.text.normalize import split as words_of

_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*")


@dataclasses.dataclass(frozen=True)
class Question:
    """A question and its annotation.

    Args:
        question_id: str, unique in its split.
        question: str, the text.
        question_type: str, groups results. Defaults to "", unknown.
        answer_type: "yes/no", "number", "other" or the default "", unknown.
        answers: list of str, one per annotator. Defaults to an empty list, for
            answers that are not published.
        object_boxes: list of `[x1, y1, x2, y2]` in pixels, one per object that
            the answer depends on. Defaults to an empty list, unknown.
        complementary_id: str, question_id of the same question about an image
            with another answer. Defaults to "", none.
    """

    question_id: str
    question: str
    question_type: str = ""
    answer_type: str = ""
    answers: list[str] = dataclasses.field(default_factory=list)
    object_boxes: list[list[float]] = dataclasses.field(default_factory=list)
    complementary_id: str = ""


@dataclasses.dataclass(frozen=True)
class ImageQuestions:
    """An image and all its questions.

    Args:
        image_id: str, unique in its split.
        path: str, path of the image file below the folder of the data set, or
            None (default) for an image without a file.
        drawing: JSON value for the reader's `draw`, or None (default).
        questions: list of `Question`, in the order of adding. Defaults to an
            empty list.
    """

    image_id: str
    path: str | None = None
    drawing: Any = None
    questions: list[Question] = dataclasses.field(default_factory=list)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "ImageQuestions":
        """Returns the `ImageQuestions` of a parsed JSON object."""
        questions = [Question(**question) for question in values["questions"]]
        return cls(**{**values, "questions": questions})


@dataclasses.dataclass(frozen=True)
class Dropped:
    """An item left out of the records; a line of `dropped.jsonl`.

    Args:
        split: str, its split, or None for the files of region features.
        item: "image", "question", "annotation" or "features".
        id: str, id of the item.
        reason: str, such as "duplicate_question_id"; items are counted by it.
        file: str, path of the image file, or None (default).
        questions: int, number of questions dropped with an image, or None
            (default).
        question_ids: list of str, their ids, or None (default).
        detail: str, more about the reason, such as the name of an unsupported
            format, or None (default).
    """

    split: str | None
    item: str
    id: str
    reason: str
    file: str | None = None
    questions: int | None = None
    question_ids: list[str] | None = None
    detail: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Returns a dict without None values, except `split`."""
        known = vars(self).items()
        return {k: v for k, v in known if k == "split" or v is not None}


def default_question_type(question: str, answers: Sequence[str]) -> str:
    """Returns the first word of a question; "" if it has no answers."""
    return next(iter(words_of(question)), "other") if answers else ""


def default_answer_type(answers: Sequence[str]) -> str:
    """Returns "yes/no", "number" or "other"; "" if there are no answers.

    Args:
        answers: list of str, one per annotator; the most common one decides.
    """
    if not answers:
        return ""
    answer = most_common_answer(answers)
    if answer in ("yes", "no"):
        return "yes/no"
    return "number" if _NUMBER.fullmatch(answer) else "other"
