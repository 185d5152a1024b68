"""The figures of a task on a split of records.

The fields are the keys that results.json holds, in its order.
"""

import dataclasses
from typing import Any

from vqa_keras.runs import typed_json
from vqa_keras.runs.typed_json import Count
from vqa_keras.runs.typed_json import Fraction
from vqa_keras.runs.typed_json import Percent


@dataclasses.dataclass(frozen=True, kw_only=True)
class Accuracy:
    """Percentages of questions that are answered right, by exact match.

    Args:
        overall: of all questions.
        per_answer_type: by answer type, such as "yes/no".
        per_question_type: by question type; None in older files.
    """

    overall: Percent
    per_answer_type: dict[str, Percent]
    per_question_type: dict[str, Percent] | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class TypeBaselines:
    """The accuracy of answers that ignore the image, in percent.

    Args:
        majority: of the most frequent training answer.
        same_question: of the most frequent training answer of the same
            question.
        question_only: of a run of the entry `question_only`; None if none was
            given.
    """

    majority: Percent
    same_question: Percent
    question_only: Percent | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Baselines(TypeBaselines):
    """The baselines of a split.

    Args:
        majority, same_question, question_only: as in `TypeBaselines`, of all
            questions.
        per_question_type: by question type; None in older files.
        per_answer_type: by answer type; None in older files.
    """

    per_question_type: dict[str, TypeBaselines] | None = None
    per_answer_type: dict[str, TypeBaselines] | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outside:
    """Percentages of questions whose answer is outside the vocabulary.

    No model of the vocabulary answers them right.

    Args:
        overall: of all questions.
        per_answer_type: by answer type.
        per_question_type: by question type.
    """

    overall: Percent
    per_answer_type: dict[str, Percent]
    per_question_type: dict[str, Percent]


@dataclasses.dataclass(frozen=True, kw_only=True)
class QuestionCounts:
    """Numbers of questions.

    Args:
        per_answer_type: by answer type.
        per_question_type: by question type.
    """

    per_answer_type: dict[str, Count]
    per_question_type: dict[str, Count]


@dataclasses.dataclass(frozen=True, kw_only=True)
class TypeGrounding:
    """Percentages of an attention's weight on the objects of questions.

    Args:
        pointing_accuracy: of the maps, those whose largest weight is on an
            object (`vqa_keras.metrics.grounding`).
        mass: of a map's weight, the mean that is on objects.
        chance: of a map's cells, the mean that objects cover.
        questions: the number of questions with boxes; None where objects are
            whatever is drawn.
    """

    pointing_accuracy: Percent
    mass: Percent
    chance: Percent
    questions: Count | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class MapGrounding(TypeGrounding):
    """The grounding of one attention on a split.

    Args:
        pointing_accuracy, mass, chance, questions: as in `TypeGrounding`.
        per_question_type: by question type; None where questions have no boxes
            or are of one type.
    """

    per_question_type: dict[str, TypeGrounding] | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class OfficialAccuracy:
    """Percentages of the official VQA accuracy, `vqa_keras.metrics.evaluate`.

    Args:
        overall: of all questions.
        per_question_type: by question type.
        per_answer_type: by answer type.
    """

    overall: Percent
    per_question_type: dict[str, Percent]
    per_answer_type: dict[str, Percent]


@dataclasses.dataclass(frozen=True, kw_only=True)
class AtThreshold:
    """The answers whose probability is at least a threshold.

    Args:
        threshold: the probability, 0 to 1.
        coverage: the percentage of questions that are answered.
        accuracy: the percentage of right answers among these; None if there
            are none.
    """

    threshold: Fraction
    coverage: Percent
    accuracy: Percent | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Calibration:
    """How the probabilities of the best answers agree with the accuracy.

    Args:
        expected_calibration_error: in percent, of 15 bins
            (`vqa_keras.metrics.expected_calibration_error`).
        thresholds: coverage and accuracy at 0, 0.1, ... 0.9.
    """

    expected_calibration_error: Percent
    thresholds: list[AtThreshold]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The figures of a task on a split of records.

    Args:
        split: its name.
        questions: their number.
        images: the number of images that they are about.
        accuracy: by exact match of the best answer.
        baselines: the accuracy of answers that ignore the image; None where
            the records have no training split.
        grounding: by name of the attention over regions.
        vqa_accuracy: the official accuracy; None unless questions have several
            answers.
        threshold: the probability below which an answer is "", which is never
            right; None if there was no threshold. `calibration` does not
            depend on it.
        calibration: of the best answers; None in older files.
        outside: the questions whose answer is outside the vocabulary; None in
            older files.
        counts: the questions of each type; None in older files.
    """

    split: str
    questions: Count
    images: Count
    accuracy: Accuracy
    baselines: Baselines | None
    grounding: dict[str, MapGrounding]
    vqa_accuracy: OfficialAccuracy | None = None
    threshold: Fraction | None = None
    calibration: Calibration | None = None
    outside: Outside | None = None
    counts: QuestionCounts | None = None

    def to_json(self) -> dict[str, Any]:
        """Returns the JSON object that results.json holds of it."""
        return typed_json.write(self)
