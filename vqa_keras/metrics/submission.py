"""Writes answers for the evaluation server of the VQA challenge."""

import collections
import contextlib
import json

from vqa_keras.errors import UserError
from vqa_keras.files import make_folder_of
from vqa_keras.files import write_atomically


def write_submission(path, question_ids, answers):
    """Checks answers and writes them in the official format.

    The file holds a JSON list of `{"question_id": int, "answer": str}` and
    appears under its name only when it is complete.

    Args:
        path: str or path of the file; missing folders are created.
        question_ids: iterable of int, or of str of digits: the ids of all
            questions of the split.
        answers: dict, question id -> str.

    Raises:
        UserError: if a question of the split has no answer, an answer has an
            id that is not in the split, an id is duplicate or not a whole
            number, an answer is not a string, or the file cannot be written.

    Example:
    ```python
    vqa_keras.metrics.write_submission(
        "answers.json", question_ids=[1, 2], answers={1: "yes", 2: "red"}
    )
    ```
    """
    numbers = [_number(question_id) for question_id in question_ids]
    duplicates = [
        n for n, count in collections.Counter(numbers).items() if count > 1
    ]
    if duplicates:
        raise UserError(
            "`question_ids` must have each question of the split once. "
            f"Received: question {duplicates[0]} more than once"
        )
    given = {}
    for question_id, answer in answers.items():
        number = _number(question_id)
        if number in given:
            raise UserError(
                "A submission must have one answer per question. Received: "
                f"question {number} more than once"
            )
        if not isinstance(answer, str):
            raise UserError(
                "The answers of a submission must be strings. Received: "
                f"{answer!r} for question {number}"
            )
        given[number] = answer
    missing = set(numbers) - set(given)
    unknown = set(given) - set(numbers)
    if missing or unknown:
        problem, ids = (
            ("without an answer", missing)
            if missing
            else ("that are not in the split", unknown)
        )
        shown = ", ".join(map(str, sorted(ids)[:5]))
        raise UserError(
            f"A submission must have an answer to each of the {len(numbers)} "
            f"questions of the split. Received: {len(ids)} {problem}, such as "
            f"{shown}"
        )
    rows = [{"question_id": n, "answer": given[n]} for n in numbers]
    write_atomically(make_folder_of(path), json.dumps(rows) + "\n")


def _number(question_id):
    if isinstance(question_id, int) and not isinstance(question_id, bool):
        return question_id
    if isinstance(question_id, str) and question_id.isdecimal():
        with contextlib.suppress(ValueError):  # Python reads 4,300 digits
            return int(question_id)
    raise UserError(
        "Question ids must be whole numbers in the official format. "
        f"Received: {question_id!r}"
    )
