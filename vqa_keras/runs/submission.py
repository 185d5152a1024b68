"""The answers of a run as a file for the VQA challenge's server."""

import os

from vqa_keras import metrics
from vqa_keras.data import Records
from vqa_keras.data.record_files import RecordFiles
from vqa_keras.files import parse_json
from vqa_keras.models import VQA
from vqa_keras.runs.evaluation import Predictions
from vqa_keras.runs.run import preprocessor_of
from vqa_keras.runs.thresholds import name_answers


def write_submission(
    task: VQA,
    records: Records,
    split: str,
    predictions: Predictions,
    path: str | os.PathLike[str],
    threshold: float = 0.0,
) -> None:
    """Writes an answer to every question of a split, and prints how many.

    The server requires an answer also to a question whose image is unreadable
    and so in no record: it gets the most common training answer.

    Args:
        task: the `VQA`, for its answers.
        records: `Records`.
        split: str, the split of the predictions.
        predictions: of all its questions in the records.
        path: file to write.
        threshold: an answer with a lower probability is "".

    Raises:
        UserError: if a question id is not a whole number.
    """
    predicted = name_answers(
        preprocessor_of(task).answers,
        predictions.answers[:, 0],
        predictions.probabilities[:, 0],
        threshold,
    )
    question_ids = [
        question.question_id for question in records.questions(split)
    ]
    answers = dict(zip(question_ids, predicted, strict=True))
    unread = _dropped_questions(records.files, split)
    # The answers are in the order of their frequency.
    answers |= dict.fromkeys(unread, records.answers[0])
    metrics.write_submission(path, [*question_ids, *unread], answers)
    text = f"submission   {path}: {len(answers):,} answers"
    if unread:
        text += (
            f", {len(unread):,} of them {records.answers[0]!r}, to questions "
            "whose image could not be read"
        )
    print(text)


def _dropped_questions(files: RecordFiles, split: str) -> list[str]:
    items = [
        parse_json(line, files.info.dropped_file, number)
        for number, line in enumerate(files.dropped().splitlines(), 1)
    ]
    return [
        question_id
        for item in items
        if item["item"] == "image" and item["split"] == split
        for question_id in item.get("question_ids", [])
    ]
