"""Exact-match accuracy, overall and by type of answer."""

import collections


def accuracy(predicted, answers, answer_types):
    """Share of questions whose predicted answer is the true one.

    Strings are compared as they are: normalize both sides first. A question
    without a true answer (`""`) counts, and counts as wrong.

    Args:
        predicted: sequence of answers, one a question.
        answers: sequence of true answers, in the same order.
        answer_types: sequence of the questions' answer types, such as
            `"yes/no"`, in the same order.

    Returns:
        `{"overall": percent, "per_answer_type": {type: percent}}`, the types
        in alphabetical order.

    Raises:
        ValueError: if there is no question or the lengths differ.
    """
    lengths = len(predicted), len(answers), len(answer_types)
    if len(set(lengths)) != 1 or lengths[0] == 0:
        raise ValueError(
            "`predicted`, `answers` and `answer_types` must have one entry a "
            f"question, and at least one. Received: lengths {lengths}"
        )
    right = collections.Counter()
    total = collections.Counter(answer_types)
    for guess, answer, kind in zip(
        predicted, answers, answer_types, strict=True
    ):
        right[kind] += answer != "" and guess == answer
    return {
        "overall": 100 * sum(right.values()) / sum(total.values()),
        "per_answer_type": {
            kind: 100 * right[kind] / total[kind] for kind in sorted(total)
        },
    }
