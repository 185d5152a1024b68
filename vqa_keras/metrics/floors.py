"""What can be scored without looking at the image."""

import collections

from vqa_keras.text import normalize


def floors(train, test):
    """Accuracy of the two best guesses that never see an image.

    `majority` gives every question the most common training answer.
    `question_only` gives a question the most common training answer of the
    same normalized question text, and the majority answer if the text never
    occurred: a model must beat it to show that it looks. Ties go to the
    answer that was seen first.

    Args:
        train: iterable of (question text, answer).
        test: iterable of (question text, answer). An answer of `""` (none
            known) counts as wrong.

    Returns:
        `{"majority": percent, "question_only": percent}` of the test
        questions.

    Raises:
        ValueError: if `train` or `test` is empty.
    """
    train, test = list(train), list(test)
    if not train or not test:
        raise ValueError(
            "`train` and `test` must each hold at least one question. "
            f"Received: {len(train)} and {len(test)}"
        )
    fold = {text: normalize(text) for text, _ in train + test}
    overall = collections.Counter(answer for _, answer in train)
    per_text = collections.defaultdict(collections.Counter)
    for text, answer in train:
        per_text[fold[text]][answer] += 1

    majority = _most_common(overall)
    best = {text: _most_common(counts) for text, counts in per_text.items()}
    right = collections.Counter()
    for text, answer in test:
        if answer == "":
            continue
        right["majority"] += answer == majority
        right["question_only"] += answer == best.get(fold[text], majority)
    return {
        name: 100 * right[name] / len(test)
        for name in ("majority", "question_only")
    }


def _most_common(counts):
    return counts.most_common(1)[0][0]
