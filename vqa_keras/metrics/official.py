"""Computes the accuracy of the VQA challenge like its official program."""

import collections
import json
import pathlib

from vqa_keras.errors import UserError
from vqa_keras.text.answers import normalize_answer
from vqa_keras.text.answers import strip_answer


def evaluate(questions, annotations, results):
    """Computes the official VQA accuracy of a submission.

    For a question with the ground-truth answers g_1 ... g_n and the predicted
    answer p:

        accuracy = mean_i min(1, m_i / 3)

    where m_i is the number of the other annotators' answers, all but g_i, that
    equal p. With ten distinct annotators this is min(1, 0.3 k) for k answers
    equal to p. Peculiarities of the official program are kept, because
    published numbers contain them:

    - Answers are normalized only if the annotators' answers are not all
      identical: "Red" scores 0 if all ten are "red".
    - The other annotators' answers are the records that differ from that of
      g_i. Without an answer_id in the annotations, all equal answers are left
      out: 3 of 10 then score 70, not 90.
    - The answer of a single annotator scores 0, one of three equal answers
      66.67.

    Args:
        questions: path of the official questions file, or its parsed JSON.
        annotations: path of the official annotations file, or its parsed JSON.
        results: path of a results file, or its parsed JSON: a list of
            {"question_id", "answer"}, each annotated question exactly once.

    Returns:
        dict, in percent, not rounded:
            overall: mean over the questions.
            per_question_type, per_answer_type: `{type: mean}`.
            per_question: `{question_id: accuracy}`.

    Raises:
        UserError: if a file is missing or not JSON of its layout; if an
            annotation has no question or no answer; if an id is missing from
            the results, duplicate or unknown, or an answer is not a string.

    Example:
    ```python
    result = vqa_keras.metrics.evaluate(
        "v2_OpenEnded_mscoco_val2014_questions.json",
        "v2_mscoco_val2014_annotations.json",
        "answers.json",
    )
    result["overall"]
    ```

    Reference:
        [Antol et al., 2015](https://arxiv.org/abs/1505.00468).
    """
    known = {
        row["question_id"]
        for row in _rows(questions, "questions", ("question_id",))
    }
    truth = _rows(
        annotations,
        "annotations",
        ("question_id", "question_type", "answer_type", "answers"),
    )
    predicted = _predicted(results, [row["question_id"] for row in truth])
    per_question = {}
    by_type = collections.defaultdict(list)
    for row in truth:
        question_id = row["question_id"]
        if question_id not in known:
            raise UserError(
                "Every annotation must have its question in the questions. "
                f"Received: an annotation of question {question_id}, which is "
                "not there"
            )
        _check_answers(question_id, row["answers"])
        value = 100 * answer_accuracy(row["answers"], predicted[question_id])
        per_question[question_id] = value
        by_type["question_type", row["question_type"]].append(value)
        by_type["answer_type", row["answer_type"]].append(value)
    result = {"overall": _mean(per_question.values())}
    for kind in ("question_type", "answer_type"):
        result[f"per_{kind}"] = {
            name: _mean(values)
            for (group, name), values in sorted(by_type.items())
            if group == kind
        }
    return {**result, "per_question": per_question}


def answer_accuracy(answers, predicted):
    """Computes the official accuracy of one predicted answer.

    Args:
        answers: list of dict, the annotators' records, with "answer" and a key
            that distinguishes them, such as "answer_id".
        predicted: str.

    Returns:
        float from 0 to 1.

    Example:
    >>> answers = answers_of_annotators(["red"] * 2 + ["blue"] * 8)
    >>> round(answer_accuracy(answers, "red"), 2)
    0.6
    """
    records = [
        {**record, "answer": strip_answer(record["answer"])}
        for record in answers
    ]
    predicted = strip_answer(predicted)
    if len({record["answer"] for record in records}) > 1:
        for record in records:
            record["answer"] = normalize_answer(record["answer"])
        predicted = normalize_answer(predicted)
    accuracies = []
    for record in records:
        others = [other for other in records if other != record]
        matching = sum(other["answer"] == predicted for other in others)
        accuracies.append(min(1.0, matching / 3))
    return sum(accuracies) / len(accuracies)


def answers_of_annotators(answers):
    """Returns records for `answer_accuracy`, one per annotator.

    Args:
        answers: list of str, one per annotator.

    Returns:
        list of `{"answer": str, "answer_id": int}`.
    """
    return [
        {"answer": answer, "answer_id": number}
        for number, answer in enumerate(answers, start=1)
    ]


def _mean(values):
    return sum(values) / len(values)


def _rows(source, key, needed):
    """Returns the list of an official file with its ids and keys checked."""
    name, content = _content(source, key)
    rows = content.get(key) if isinstance(content, dict) else None
    if not isinstance(rows, list) or not rows:
        raise UserError(
            f"{name} must be a JSON object with the list {key}, not empty. "
            f"Received: {_short(content)}"
        )
    for row in rows:
        if not isinstance(row, dict) or not set(needed) <= set(row):
            raise UserError(
                f"{name} must have the keys {', '.join(needed)} in each of the "
                f"{key}. Received: {_short(row)}"
            )
    _check_ids(name, [row["question_id"] for row in rows])
    return rows


def _predicted(source, question_ids):
    """Returns `{question_id: answer}` of results that match annotations."""
    name, rows = _content(source, "results")
    if not isinstance(rows, list):
        raise UserError(
            f"{name} must be a JSON list of results. Received: {_short(rows)}"
        )
    for row in rows:
        if not isinstance(row, dict) or not {"question_id", "answer"} <= set(
            row
        ):
            raise UserError(
                f"{name} must have question_id and answer in each result. "
                f"Received: {_short(row)}"
            )
        if not isinstance(row["answer"], str):
            raise UserError(
                f"The answer to question {row['question_id']} in {name} must "
                f"be a string. Received: {_short(row['answer'])}"
            )
    _check_ids(name, [row["question_id"] for row in rows])
    predicted = {row["question_id"]: row["answer"] for row in rows}
    for problem, ids in (
        ("without an answer", set(question_ids) - set(predicted)),
        ("not annotated", set(predicted) - set(question_ids)),
    ):
        if ids:
            shown = ", ".join(map(str, sorted(ids, key=str)[:5]))
            raise UserError(
                f"{name} must have exactly one answer to each of the "
                f"{len(question_ids)} annotated questions. Received: "
                f"{len(ids)} {problem}, such as {shown}"
            )
    return predicted


def _check_ids(name, ids):
    for question_id in ids:
        if not isinstance(question_id, int | str):
            raise UserError(
                f"The question ids in {name} must be whole numbers. Received: "
                f"{_short(question_id)}"
            )
    duplicates = [i for i, n in collections.Counter(ids).items() if n > 1]
    if duplicates:
        raise UserError(
            f"{name} must have each question once. Received: question "
            f"{duplicates[0]} more than once"
        )


def _check_answers(question_id, answers):
    if (
        not isinstance(answers, list)
        or not answers
        or not all(
            isinstance(answer, dict) and isinstance(answer.get("answer"), str)
            for answer in answers
        )
    ):
        raise UserError(
            f"The annotation of question {question_id} must have a list of "
            "answers, objects with the string answer. Received: "
            f"{_short(answers)}"
        )


def _content(source, key):
    """Returns the name of a source in messages, and its parsed JSON."""
    if not isinstance(source, str | pathlib.PurePath):
        return f"`{key}`", source
    try:
        text = pathlib.Path(source).read_text(encoding="utf-8-sig")
        return source, json.loads(text)
    except OSError as error:
        raise UserError(
            f"{source} must be a readable file. Received: {error.strerror}"
        ) from error
    except json.JSONDecodeError as error:
        raise UserError(
            f"{source} must be JSON at line {error.lineno}, column "
            f"{error.colno}. Received: {error.msg}"
        ) from error
    except ValueError as error:
        raise UserError(f"{source} must be JSON. Received: {error}") from error


def _short(value):
    return repr(value)[:100]
