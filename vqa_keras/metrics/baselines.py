"""Computes the accuracy of baselines that ignore the image."""

import collections

from vqa_keras.text.training_answers import TrainingAnswers
from vqa_keras.text.training_answers import count_answers


def baselines(train, test, question_types=None):
    """Computes the accuracy of the majority and same-question baselines.

    `majority` answers every question with the most frequent training answer.
    `same_question` answers with the most frequent training answer to the same
    normalized question text, or the majority answer for a new text: only a
    model that is more accurate uses the image. Ties go to the answer that
    occurs first; empty answers do not count.

    Args:
        train: iterable of (question text, answer), or the
            `vqa_keras.text.training_answers.TrainingAnswers` of it.
        test: iterable of (question text, answer). An answer of `""` (unknown)
            counts as wrong.
        question_types: sequence of str, the types of the test questions.
            Defaults to `None`.

    Returns:
        `{"majority": percent, "same_question": percent}` of the test
        questions; with `question_types` also `"per_question_type"`, a dict
        from each type to such a dict.

    Raises:
        ValueError: if `train` or `test` is empty.

    Example:
    >>> train = [("is it red?", "yes"), ("what color is it?", "red")]
    >>> baselines(train, [("What color is it", "red"), ("is it?", "no")])
    {'majority': 0.0, 'same_question': 50.0}
    """
    test = list(test)
    if not isinstance(train, TrainingAnswers):
        train = list(train)
    if not train or not test:
        raise ValueError(
            "`train` and `test` must each hold at least one question. "
            f"Received: {len(train)} and {len(test)}"
        )
    if not isinstance(train, TrainingAnswers):
        train = count_answers(train)
    right = {
        "majority": [answer == train.majority for _, answer in test],
        "same_question": [
            answer == train.same_question(text) for text, answer in test
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
