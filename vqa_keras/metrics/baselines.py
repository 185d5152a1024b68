"""Computes the accuracy of baselines that ignore the image."""

import collections

from vqa_keras.text import normalize


def baselines(train, test, question_types=None):
    """Computes the accuracy of the majority and question-only baselines.

    `majority` answers every question with the most common training answer.
    `question_only` answers with the most common training answer to the same
    normalized question text, or the majority answer for a new text: only a
    model that is more accurate uses the image. Ties go to the answer that
    occurs first.

    Args:
        train: iterable of (question text, answer).
        test: iterable of (question text, answer). An answer of `""` (unknown)
            counts as wrong.
        question_types: sequence of str, the types of the test questions.
            Defaults to `None`.

    Returns:
        `{"majority": percent, "question_only": percent}` of the test
        questions; with `question_types` also `"per_question_type"`, a dict
        from each type to such a dict.

    Raises:
        ValueError: if `train` or `test` is empty.

    Example:
    >>> train = [("is it red?", "yes"), ("what color is it?", "red")]
    >>> baselines(train, [("What color is it", "red"), ("is it?", "no")])
    {'majority': 0.0, 'question_only': 50.0}
    """
    train, test = list(train), list(test)
    if not train or not test:
        raise ValueError(
            "`train` and `test` must each hold at least one question. "
            f"Received: {len(train)} and {len(test)}"
        )
    fold = {text: normalize(text) for text, _ in train + test}
    overall, per_text = collections.Counter(), {}
    for text, answer in train:
        if answer:
            overall[answer] += 1
            counts = per_text.setdefault(fold[text], collections.Counter())
            counts[answer] += 1

    majority = _most_common(overall)
    best = {text: _most_common(counts) for text, counts in per_text.items()}
    right = {
        "majority": [answer == majority for _, answer in test],
        "question_only": [
            answer == best.get(fold[text], majority) for text, answer in test
        ],
    }
    known = [answer != "" for _, answer in test]

    def percent(rows):
        return {
            name: 100 * sum(values[i] and known[i] for i in rows) / len(rows)
            for name, values in right.items()
        }

    result = percent(range(len(test)))
    if question_types is not None:
        rows = collections.defaultdict(list)
        for i, kind in enumerate(question_types):
            rows[kind].append(i)
        result["per_question_type"] = {
            kind: percent(rows[kind]) for kind in sorted(rows)
        }
    return result


def _most_common(counts):
    return counts.most_common(1)[0][0] if counts else ""
