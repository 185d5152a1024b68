"""The accuracy of the VQA challenge, as its evaluation program computes it."""

import collections
import json
import pathlib

from vqa_keras.errors import UserError
from vqa_keras.text.answers import normalize_answer
from vqa_keras.text.answers import strip_answer


def evaluate(questions, annotations, results):
    """Returns the official accuracy of a submission.

    A question with the ground-truth answers g_1 ... g_n, for the predicted
    answer p:

        accuracy = mean_i min(1, m_i / 3)

    m_i being how many of the other annotators' answers, all but g_i, equal p.
    With ten different annotators that is min(1, 0.3 k) for k answers equal to
    p. The oddities of the official program are kept, because published numbers
    contain them:

    - Answers are normalized only if the annotators do not all agree to the
      letter: ten times "red" against "Red" gives 0.
    - "Other" answers are entries that differ from g_i as records. Where the
      annotations have no answer_id, equal answers are left out together: 3 of
      10 then give 70 and not 90.
    - A single annotator gives 0, three that agree 66.67.

    Args:
        questions: path of the official questions file, or its parsed JSON.
        annotations: the same of the annotations file.
        results: the same of the results: a list of {"question_id", "answer"}
            with each annotated question exactly once.

    Returns:
        dict, in percent and not rounded:
            overall: mean over the questions.
            per_question_type, per_answer_type: `{type: mean}`.
            per_question: `{question_id: accuracy}`.

    Raises:
        UserError: if a file is missing or no JSON of its kind, with line and
            column; if an annotation has no question or no answer; if an id is
            missing from the results, doubled or unknown, or an answer is no
            string.

    Reference:
        [Antol et al., 2015](https://arxiv.org/abs/1505.00468).
    """
    asked = {
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
        if question_id not in asked:
            raise UserError(
                "needed a question for every annotation. Received: an "
                f"annotation of question {question_id}, which is not asked"
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
    """Returns the official accuracy of one predicted answer, 0 to 1.

    Args:
        answers: list of the annotators' records, dicts with "answer" and
            whatever tells them apart, such as "answer_id".
        predicted: str.
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
    shares = []
    for record in records:
        others = [other for other in records if other != record]
        matching = sum(other["answer"] == predicted for other in others)
        shares.append(min(1.0, matching / 3))
    return sum(shares) / len(shares)


def answers_of_annotators(answers):
    """Returns records for `answer_accuracy`, each of another annotator.

    Args:
        answers: list of str.
    """
    return [
        {"answer": answer, "answer_id": number}
        for number, answer in enumerate(answers, start=1)
    ]


def _mean(values):
    return sum(values) / len(values)


def _rows(source, key, needed):
    """The list of an official file, checked: every id once, every key there."""
    name, content = _content(source, key)
    rows = content.get(key) if isinstance(content, dict) else None
    if not isinstance(rows, list) or not rows:
        raise UserError(
            f"{name}: needed a JSON object with the list {key}, of at least "
            f"one. Received: {_short(content)}"
        )
    for row in rows:
        if not isinstance(row, dict) or not set(needed) <= set(row):
            raise UserError(
                f"{name}: needed the keys {', '.join(needed)} in each of the "
                f"{key}. Received: {_short(row)}"
            )
    _check_ids(name, [row["question_id"] for row in rows])
    return rows


def _predicted(source, question_ids):
    """`{question_id: answer}` of results that fit the annotations."""
    name, rows = _content(source, "results")
    if not isinstance(rows, list):
        raise UserError(
            f"{name}: needed a JSON list of results. Received: {_short(rows)}"
        )
    for row in rows:
        if not isinstance(row, dict) or not {"question_id", "answer"} <= set(
            row
        ):
            raise UserError(
                f"{name}: needed results with question_id and answer. "
                f"Received: {_short(row)}"
            )
        if not isinstance(row["answer"], str):
            raise UserError(
                f"{name}: needed the answer to question {row['question_id']} "
                f"to be a string. Received: {_short(row['answer'])}"
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
                f"{name}: needed exactly one answer to each of the "
                f"{len(question_ids)} annotated questions. Received: "
                f"{len(ids)} {problem}, such as {shown}"
            )
    return predicted


def _check_ids(name, ids):
    for question_id in ids:
        if not isinstance(question_id, int | str):
            raise UserError(
                f"{name}: needed question ids that are whole numbers. "
                f"Received: {_short(question_id)}"
            )
    doubled = [i for i, n in collections.Counter(ids).items() if n > 1]
    if doubled:
        raise UserError(
            f"{name}: needed each question once. Received: question "
            f"{doubled[0]} more than once"
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
            f"The annotation of question {question_id} needed a list of "
            "answers, objects with the string answer. Received: "
            f"{_short(answers)}"
        )


def _content(source, key):
    """Returns what messages call a source, and its parsed JSON."""
    if not isinstance(source, str | pathlib.PurePath):
        return f"the {key}", source
    try:
        text = pathlib.Path(source).read_text(encoding="utf-8-sig")
        return source, json.loads(text)
    except OSError as error:
        raise UserError(f"{source} cannot be read: {error.strerror}") from error
    except json.JSONDecodeError as error:
        raise UserError(
            f"{source}, line {error.lineno}, column {error.colno}: needed "
            f"JSON. Received: {error.msg}"
        ) from error
    except ValueError as error:
        raise UserError(f"{source}: needed JSON. Received: {error}") from error


def _short(value):
    return repr(value)[:100]
