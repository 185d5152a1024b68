"""What a reader adds to a `QuestionTable`, and what the table yields.

`json.dumps(value, default=vars)` writes these objects as JSON.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Question:
    """One question as the annotations have it.

    Args:
        question_id: unique in its split.
        question: the text.
        question_type: group that results are reported by; "" if unknown.
        answer_type: "yes/no", "number", "other" or "" if unknown.
        answers: one for each annotator; empty where they are not published.
        object_boxes: `[x1, y1, x2, y2]` in pixels, one for each object that the
            answer depends on; empty if unknown.
        complementary_id: question_id of the same question about an image with
            another answer; "" if there is none.
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
    """One image with all its questions.

    Args:
        image_id: unique in its split.
        path: of the image file, below the folder of the data; None for an
            image that is drawn.
        drawing: JSON value that the reader's `draw` draws, or None.
        questions: in the order of adding.
    """

    image_id: str
    path: str | None = None
    drawing: Any = None
    questions: list[Question] = dataclasses.field(default_factory=list)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "ImageQuestions":
        """Returns the image of a parsed JSON object."""
        questions = [Question(**question) for question in values["questions"]]
        return cls(**{**values, "questions": questions})


@dataclasses.dataclass(frozen=True)
class Dropped:
    """One item that is left out of the records, a line of `dropped.jsonl`.

    Args:
        split: its split, or None for the files of region features.
        item: "image", "question", "annotation" or "features".
        id: which one.
        reason: such as "duplicate_question_id"; items are counted by it.
        file: path of the image file, if known.
        questions: number of an image's questions, left out with it.
        question_ids: their ids.
    """

    split: str | None
    item: str
    id: str
    reason: str
    file: str | None = None
    questions: int | None = None
    question_ids: list[str] | None = None

    def to_json(self) -> dict[str, Any]:
        """Returns a JSON object without the details that are None."""
        known = vars(self).items()
        return {k: v for k, v in known if k == "split" or v is not None}
