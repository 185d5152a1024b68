"""Exact-match accuracy, overall and by type of answer."""

import collections


def accuracy(predicted, answers, answer_types, question_types=None):
    """Share of questions whose predicted answer is the true one.

    Strings are compared as they are: normalize both sides first. A question
    without a true answer (`""`) counts, and counts as wrong.

    Args:
        predicted: sequence of answers, one a question.
        answers: sequence of true answers, in the same order.
        answer_types: sequence of the questions' answer types, such as
            `"yes/no"`, in the same order.
        question_types: optional, the same of question types.

    Returns:
        `{"overall": percent, "per_answer_type": {type: percent}}`, and with
        `question_types` also `"per_question_type"`; the types in alphabetical
        order.

    Raises:
        ValueError: if there is no question or the lengths differ.
    """
    lengths = len(predicted), len(answers), len(answer_types)
    if len(set(lengths)) != 1 or lengths[0] == 0:
        raise ValueError(
            "`predicted`, `answers` and `answer_types` must have one entry a "
            f"question, and at least one. Received: lengths {lengths}"
        )
    right = [
        answer != "" and guess == answer
        for guess, answer in zip(predicted, answers, strict=True)
    ]
    result = {
        "overall": 100 * sum(right) / len(right),
        "per_answer_type": _per_type(right, answer_types),
    }
    if question_types is not None:
        result["per_question_type"] = _per_type(right, question_types)
    return result


def _per_type(right, types):
    rows = collections.defaultdict(list)
    for value, kind in zip(right, types, strict=True):
        rows[kind].append(value)
    return {
        kind: 100 * sum(rows[kind]) / len(rows[kind]) for kind in sorted(rows)
    }
