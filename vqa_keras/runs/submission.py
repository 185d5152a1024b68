"""The answers of a run as a file for the VQA challenge's server."""

import json

from vqa_keras import metrics
from vqa_keras.data import Records
from vqa_keras.models import VQA


def write_submission(
    task: VQA, records: Records, split: str, outputs: dict, path: str
) -> None:
    """Writes an answer to every question of a split, and prints how many.

    A question whose picture could not be read is in no record, but the server
    wants an answer to it: it gets the most common training answer.

    Args:
        task: the `VQA`, for its answers.
        records: `Records`.
        split: str, the split that `outputs` are of.
        outputs: what `vqa_keras.runs.evaluation.predict` returned.
        path: file to write.

    Raises:
        UserError: if a question id is no whole number.
    """
    names = task.preprocessor.answers
    question_ids = [
        question.question_id for question in records.questions(split)
    ]
    answers = {
        question_id: names[best]
        for question_id, best in zip(
            question_ids, outputs["answers"][:, 0], strict=True
        )
    }
    unread = _dropped_questions(records.files, split)
    # Answers are in the order of how often they occur.
    answers |= dict.fromkeys(unread, records.answers[0])
    metrics.write_submission(path, [*question_ids, *unread], answers)
    text = f"submission   {path}: {len(answers):,} answers"
    if unread:
        text += (
            f", {len(unread):,} of them {records.answers[0]!r}, to questions "
            "whose picture could not be read"
        )
    print(text)


def _dropped_questions(files, split):
    if files.info.dropped_file is None:
        return []
    with open(files.path(files.info.dropped_file), encoding="utf-8") as lines:
        items = [json.loads(line) for line in lines]
    return [
        question_id
        for item in items
        if item["item"] == "image" and item["split"] == split
        for question_id in item.get("question_ids", [])
    ]
