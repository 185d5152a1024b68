"""Computes exact-match accuracy, overall and per type of answer."""

import collections


def accuracy(predicted, answers, answer_types, question_types=None):
    """Computes the percentage of questions with the correct answer.

    Compares strings exactly: normalize both sides first. A question without a
    true answer (`""`) counts as wrong.

    Args:
        predicted: sequence of str, one answer per question.
        answers: sequence of str, the true answers in the same order.
        answer_types: sequence of str, the answer types in the same order, such
            as `"yes/no"`.
        question_types: sequence of str, the question types in the same order.
            Defaults to `None`.

    Returns:
        `{"overall": percent, "per_answer_type": {type: percent}}`, and with
        `question_types` also `"per_question_type"`; types in alphabetical
        order.

    Raises:
        ValueError: if there is no question or the lengths differ.

    Example:
    >>> accuracy(["yes", "red"], ["yes", "blue"], ["yes/no", "other"])
    {'overall': 50.0, 'per_answer_type': {'other': 0.0, 'yes/no': 100.0}}
    """
    lengths = len(predicted), len(answers), len(answer_types)
    if len(set(lengths)) != 1 or lengths[0] == 0:
        raise ValueError(
            "`predicted`, `answers` and `answer_types` must have one entry per "
            f"question and at least one. Received: lengths {lengths}"
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
