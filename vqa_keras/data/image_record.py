"""The contents of one record: an image with all its questions."""

import dataclasses
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class QuestionRecord:
    """One question of a record.

    Args:
        question_id: unique in its split.
        question: the text.
        question_type: group that results are reported by; "" if unknown.
        answer_type: "yes/no", "number", "other" or "" if unknown.
        answer: the most common normalized answer; "" if there is none.
        answer_id: class of `answer`; -1 outside the vocabulary.
        all_answers: one for each annotator.
        token_ids: padded with 0 to one length in all questions of a data set.
        scores: `{answer_id: float}`, soft targets in the vocabulary.
        object_boxes: `[x1, y1, x2, y2]` in pixels, one for each object that the
            answer depends on; empty if unknown.
        complementary_id: question_id of the same question about an image with
            another answer; "" if there is none.
    """

    question_id: str
    question: str
    question_type: str
    answer_type: str
    answer: str
    answer_id: int
    all_answers: Sequence[str]
    token_ids: Sequence[int]
    scores: Mapping[int, float]
    object_boxes: Sequence[Sequence[float]]
    complementary_id: str


@dataclasses.dataclass(frozen=True)
class ImageQuestion(QuestionRecord):
    """A question with the id of its image, as `Records.questions` yields it.

    Args:
        image_id: the id of the image.
    """

    image_id: str


@dataclasses.dataclass(frozen=True)
class ImageRecord:
    """One image with all its questions.

    Args:
        image_id: unique in its split.
        image: content of the image file, PNG or JPEG, or None.
        image_size: `(height, width)` of the image.
        features: `{level: array}` of shape `(h, w, C)` or `(M, C)`; `{}` if
            there are none.
        boxes: `(M, 4)` array of the regions' x1, y1, x2, y2 in pixels, or None.
        questions: all of the image, in the order of the data set.
    """

    image_id: str
    image: bytes | None
    image_size: tuple[int, int]
    features: Mapping[str, np.ndarray]
    boxes: np.ndarray | None
    questions: Sequence[QuestionRecord]
