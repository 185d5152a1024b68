"""Evaluates a task on a split of records: what results.json says of it."""

from collections.abc import Mapping
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from vqa_keras import metrics
from vqa_keras.attention_axes import attention_axes
from vqa_keras.data import Records
from vqa_keras.data.training_answers import training_answers
from vqa_keras.errors import UserError
from vqa_keras.models import VQA
from vqa_keras.models.answerer import join
from vqa_keras.runs.by_type import count_types
from vqa_keras.runs.by_type import measure_baselines
from vqa_keras.runs.by_type import measure_outside
from vqa_keras.runs.figures import Accuracy
from vqa_keras.runs.figures import Evaluation
from vqa_keras.runs.figures import OfficialAccuracy
from vqa_keras.runs.grounding import REGIONS
from vqa_keras.runs.grounding import Grounding
from vqa_keras.runs.run import preprocessor_of
from vqa_keras.runs.thresholds import calibration
from vqa_keras.runs.thresholds import name_answers

DRAWINGS = ("easy_vqa",)  # data sets of shapes on a plain background
TOP_K = 5


class Predictions(NamedTuple):
    """The answers to the questions of a split, in the order of the records.

    Args:
        answers: int `(Q, K)`, the classes of the K <= 5 best answers, best
            first.
        probabilities: `(Q, K)`, of these answers.
        attention: weights by name, `(Q, ...)`; an axis of a grid's regions is
            two.
    """

    answers: np.ndarray
    probabilities: np.ndarray
    attention: dict[str, np.ndarray]


class _Question(NamedTuple):
    """What evaluation keeps of a question, as the records have it."""

    question: str
    question_type: str
    answer_type: str
    answer: str
    all_answers: list[str]


def predict(
    task: VQA,
    records: Records,
    split: str,
    inputs: str,
    batch_size: int = 256,
    progress: bool = True,
    regions_only: bool = False,
) -> Predictions:
    """Returns the best answers and the attention of a split's questions.

    Args:
        task: a `VQA` whose inputs are those of the records.
        records: `Records`.
        split: str.
        inputs: "regions", "grids" or "images".
        batch_size: int.
        progress: whether to show a progress bar.
        regions_only: whether to keep only the attention over regions, which
            grounding needs; that between words and regions is large.
    """
    batches = records.load(
        split,
        batch_size,
        inputs=inputs,
        targets=None,
        image_size=preprocessor_of(task).image_size,
    )
    answerer = task.answerer(TOP_K, records.grid_shape)
    answers, probabilities, attention = [], [], []
    bar = keras.utils.Progbar(len(batches), verbose=int(progress))
    for number, batch in enumerate(batches.as_numpy_iterator(), 1):
        outputs = answerer(batch)
        answers.append(ops.convert_to_numpy(outputs["answers"]))
        probabilities.append(ops.convert_to_numpy(outputs["probabilities"]))
        attention.append(
            {
                name: ops.convert_to_numpy(weights)
                for name, weights in outputs["attention"].items()
                if not regions_only or attention_axes(name) == ("regions",)
            }
        )
        bar.update(number)
    return Predictions(
        np.concatenate(answers), np.concatenate(probabilities), join(attention)
    )


def evaluate(
    task: VQA,
    records: Records,
    split: str,
    predictions: Predictions,
    threshold: float = 0.0,
    question_only: np.ndarray | None = None,
) -> tuple[Evaluation, np.ndarray]:
    """Returns the figures of a task on a split, and which answers are right.

    Args:
        task: the `VQA`, for its answers.
        records: `Records`.
        split: str, the split of the predictions.
        predictions: of all its questions.
        threshold: an answer with a lower probability is "", which is wrong.
        question_only: bool array, `(Q,)`, which questions a run of the entry
            `question_only` answers right: a baseline. Defaults to None.

    Returns:
        `evaluation, right`: the figures, and a bool array, `(Q,)`.

    Raises:
        UserError: if no question of the split has an answer.
    """
    info = records.info
    if not has_answers(records, split):
        raise UserError(
            f"{records.folder}: the split to measure must have answers. "
            f"Received: {split}, which has none; its answers can be written "
            "with zoo.evaluate --submission=FILE"
        )
    questions: list[_Question] = []
    grounding = Grounding(
        _maps_of_regions(task, records, predictions.attention),
        drawings=info.dataset in DRAWINGS and info.stored_images,
    )
    for image in records.images(split):
        for question in image.questions:
            kept = (getattr(question, name) for name in _Question._fields)
            questions.append(_Question(*kept))
        grounding.add(image)
    names = preprocessor_of(task).answers
    answers = [q.answer for q in questions]
    best, probabilities = predictions.answers[:, 0], predictions.probabilities
    predicted = name_answers(names, best, probabilities[:, 0], threshold)
    right = _is_right(name_answers(names, best, probabilities[:, 0]), answers)
    types = (
        [q.answer_type for q in questions],
        [q.question_type for q in questions],
    )
    accuracy = metrics.accuracy(predicted, answers, *types)
    baselines = measure_baselines(
        training_answers(records),
        [(q.question, q.answer) for q in questions],
        *types,
        question_only,
    )
    evaluation = Evaluation(
        split=split,
        questions=len(questions),
        images=records.files.split(split).images,
        accuracy=Accuracy(**accuracy),
        baselines=baselines,
        grounding=grounding.measure(predictions.attention),
        vqa_accuracy=_vqa_accuracy(questions, predicted),
        threshold=threshold or None,
        calibration=calibration(probabilities[:, 0], right),
        outside=measure_outside(names, answers, *types),
        counts=count_types(*types),
    )
    return evaluation, _is_right(predicted, answers)


def right_answers(
    task: VQA, records: Records, split: str, predictions: Predictions
) -> np.ndarray:
    """Returns which answers are right, `(Q,)`, without other figures.

    The arguments are those of `evaluate`.
    """
    predicted = name_answers(
        preprocessor_of(task).answers,
        predictions.answers[:, 0],
        predictions.probabilities[:, 0],
    )
    return _is_right(predicted, [q.answer for q in records.questions(split)])


def _is_right(predicted: np.ndarray, answers: list[str]) -> np.ndarray:
    known = np.array(answers, dtype=object)
    return (predicted == known) & (known != "")  # "" is no answer


def split_to_measure(records: Records) -> str:
    """Returns "test", or "validation" where there is no test split."""
    splits = records.info.splits
    if "test" not in splits and "validation" in splits:
        return "validation"
    return "test"


def has_answers(records: Records, split: str) -> bool:
    """Whether a question of the split has an answer of the vocabulary."""
    return records.files.split(split).in_vocabulary > 0


def _vqa_accuracy(
    questions: list[_Question], predicted: np.ndarray
) -> OfficialAccuracy | None:
    """The official accuracy; None unless a question has several answers.

    One answer counts as the annotators' own.
    """
    if all(len(question.all_answers) <= 1 for question in questions):
        return None
    annotations, results = [], []
    for row, (question, answer) in enumerate(
        zip(questions, predicted, strict=True)
    ):
        answers = metrics.answers_of_annotators(question.all_answers)
        if answers:
            results.append({"question_id": row, "answer": answer})
            annotations.append(
                {
                    "question_id": row,
                    "question_type": question.question_type,
                    "answer_type": question.answer_type,
                    "answers": answers,
                }
            )
    found = metrics.evaluate(
        {"questions": [{"question_id": row} for row in range(len(questions))]},
        {"annotations": annotations},
        results,
    )
    del found["per_question"]
    return OfficialAccuracy(**found)


def _maps_of_regions(
    task: VQA, records: Records, attention: Mapping[str, np.ndarray]
) -> dict[str, tuple[int, int] | str]:
    """What `Grounding` takes: every attention over the parts of an image.

    These are the cells of a grid, or regions where the records hold no grid.
    """
    grid_shape = task.backbone.grid_shape or records.grid_shape
    rank = 3 if grid_shape else 2  # without glimpses
    return {
        name: grid_shape or REGIONS
        for name, weights in attention.items()
        if attention_axes(name) == ("regions",) and weights.ndim == rank
    }
