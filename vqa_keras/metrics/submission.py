"""Files of answers for the VQA challenge's evaluation server."""

import collections
import json

from vqa_keras.errors import UserError
from vqa_keras.files import make_folder_of
from vqa_keras.files import write_atomically


def write_submission(path, question_ids, answers):
    """Writes a list of {"question_id": int, "answer": str}, checked.

    Args:
        path: file to write; it appears under its name when it is whole.
        question_ids: ids of all questions of the split, each a whole number
            or its digits.
        answers: dict, `{question_id: answer}`.

    Raises:
        UserError: if an id of the split has no answer, an answer has an id
            that is not in the split, an id is doubled or no whole number, or
            an answer is no string.
    """
    numbers = [_number(question_id) for question_id in question_ids]
    doubled = [
        n for n, count in collections.Counter(numbers).items() if count > 1
    ]
    if doubled:
        raise UserError(
            "A submission needed each question of the split once. Received: "
            f"question {doubled[0]} more than once"
        )
    given = {}
    for question_id, answer in answers.items():
        number = _number(question_id)
        if number in given:
            raise UserError(
                "A submission needed one answer to a question. Received: "
                f"question {number} more than once"
            )
        if not isinstance(answer, str):
            raise UserError(
                f"A submission needed answers that are strings. Received: "
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
            f"A submission needed an answer to each of the {len(numbers)} "
            f"questions of the split. Received: {len(ids)} {problem}, such as "
            f"{shown}"
        )
    rows = [{"question_id": n, "answer": given[n]} for n in numbers]
    write_atomically(make_folder_of(path), json.dumps(rows) + "\n")


def _number(question_id):
    if isinstance(question_id, int) and not isinstance(question_id, bool):
        return question_id
    if isinstance(question_id, str) and question_id.isdecimal():
        return int(question_id)
    raise UserError(
        "The official format needed question ids that are whole numbers. "
        f"Received: {question_id!r}"
    )
