"""Baselines and counts of questions, over all and by type."""

import collections
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np

from vqa_keras import metrics
from vqa_keras.runs.figures import Baselines
from vqa_keras.runs.figures import Outside
from vqa_keras.runs.figures import QuestionCounts
from vqa_keras.runs.figures import TypeBaselines
from vqa_keras.text.training_answers import TrainingAnswers


def measure_baselines(
    train: TrainingAnswers | None,
    pairs: Sequence[tuple[str, str]],
    answer_types: Sequence[str],
    question_types: Sequence[str],
    question_only: np.ndarray | None = None,
) -> Baselines | None:
    """Returns the accuracy of the baselines, over all and by type.

    Args:
        train: the most frequent training answers, or None.
        pairs: (question, answer) of the questions.
        answer_types: their answer types.
        question_types: their question types.
        question_only: bool array, `(Q,)`, which of them a run of the entry
            `question_only` answers right. Defaults to None.

    Returns:
        `Baselines`; None if `train` is None.
    """
    if train is None:
        return None

    def measure(
        types: Sequence[str],
    ) -> tuple[dict[str, Any], dict[str, TypeBaselines]]:
        found: dict[str, Any] = metrics.baselines(train, pairs, types)
        by_type = found.pop("per_question_type")
        if question_only is not None:
            found["question_only"] = 100 * float(question_only.mean())
            for kind, percent in _percentages(question_only, types).items():
                by_type[kind]["question_only"] = percent
        return found, {k: TypeBaselines(**v) for k, v in by_type.items()}

    overall, of_question_types = measure(question_types)
    _, of_answer_types = measure(answer_types)
    return Baselines(
        **overall,
        per_question_type=of_question_types,
        per_answer_type=of_answer_types,
    )


def measure_outside(
    classes: Sequence[str],
    answers: Sequence[str],
    answer_types: Sequence[str],
    question_types: Sequence[str],
) -> Outside:
    """Returns the percentage of questions whose answer is none of the classes.

    Args:
        classes: the answers of the vocabulary.
        answers: those of the questions; "" is no answer and does not count as
            one outside.
        answer_types: the answer types of the questions.
        question_types: their question types.
    """
    known = {"", *classes}
    outside = np.array([answer not in known for answer in answers])
    return Outside(
        overall=100 * float(outside.mean()),
        per_answer_type=_percentages(outside, answer_types),
        per_question_type=_percentages(outside, question_types),
    )


def count_types(
    answer_types: Sequence[str], question_types: Sequence[str]
) -> QuestionCounts:
    """Returns the number of questions of each type."""
    return QuestionCounts(
        per_answer_type=_sorted(collections.Counter(answer_types)),
        per_question_type=_sorted(collections.Counter(question_types)),
    )


def _percentages(rows: np.ndarray, types: Sequence[str]) -> dict[str, float]:
    found = collections.defaultdict(list)
    for value, kind in zip(rows, types, strict=True):
        found[kind].append(value)
    return {k: 100 * float(np.mean(found[k])) for k in sorted(found)}


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return {kind: counts[kind] for kind in sorted(counts)}
