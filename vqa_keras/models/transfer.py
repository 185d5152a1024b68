"""Copies the weights of a trained task into a new one, words by their text."""

from typing import NamedTuple

import numpy as np
from keras import ops

from vqa_keras.text.answers import ANSWER_RULES
from vqa_keras.text.vocabulary import PAD
from vqa_keras.text.vocabulary import UNKNOWN

_BY_ANSWER = ("answer_dense/kernel", "answer_dense/bias")  # by last axis


class Transferred(NamedTuple):
    """What `transfer` copied.

    Attributes:
        weights: int, number of the task's weights that were copied, in whole or
            by rows.
        new_weights: list of str, paths of its other weights.
        words: int, number of its words that the source has, without
            "[PAD]" and "[UNK]".
        answers: int, number of its answers that the source has.
    """

    weights: int
    new_weights: list[str]
    words: int
    answers: int


def transfer(task, source, answer_rule="text"):
    """Copies the weights of a trained task into a new one of other words.

    Weights are matched by path, such as `region_encoder/regions_dense/kernel`,
    and shape. The rows of word embeddings are matched by the word and the
    columns of the answer head by the answer, whatever their order: a row of a
    new word keeps its value, and so does the linear path of n-grams.

    Args:
        task: the new `VQA`, whose weights change.
        source: the trained `VQA`. Both must have a preprocessor.
        answer_rule: str, a name of `text.ANSWER_RULES`: two answers of one
            class are the same answer. Defaults to `"text"`.

    Returns:
        `Transferred`.

    Raises:
        ValueError: if a task has no preprocessor, or no weight is matched.

    Example:
    ```python
    source = vqa_keras.models.VQA.from_preset("stacked_easy_vqa")
    words = ["[PAD]", "[UNK]", "what", "color", "is", "it"]
    task = vqa_keras.zoo.build_model(
        "stacked",
        vqa_keras.models.VQAPreprocessor(
            vqa_keras.text.QuestionTokenizer(words, sequence_length=8),
            ["red", "purple"],
        ),
        vocabulary_size=6,
        num_classes=2,
    )
    found = vqa_keras.models.transfer(task, source)
    print(found.words, found.answers)  # 3 1
    ```
    """
    for each in (task, source):
        if each.preprocessor is None:
            raise ValueError(
                "`task` and `source` must each have a preprocessor, which has "
                "the words. Received: none"
            )
    words = _matches(_words(task), _words(source))
    class_of = ANSWER_RULES[answer_rule]
    answers = _matches(
        [class_of(answer) for answer in task.preprocessor.answers],
        [class_of(answer) for answer in source.preprocessor.answers],
    )
    known = {weight.path: weight for weight in source.weights}
    new = []
    for weight in task.weights:
        # Rows of n-grams are numbered by the ids of each vocabulary.
        if weight.path not in known or weight.path.startswith("ngram_dense/"):
            new.append(weight.path)
            continue
        before = np.array(ops.convert_to_numpy(weight))
        old = ops.convert_to_numpy(known[weight.path])
        rows = None
        if weight.path in _BY_ANSWER:
            rows = answers
        elif is_word_embedding(weight, task):
            rows = words
        value = _copied(before, old, rows, weight.path in _BY_ANSWER)
        if value is None:
            new.append(weight.path)
        else:
            weight.assign(value)
    if len(new) == len(task.weights):
        raise ValueError(
            "`source` must have weights of the names and shapes of `task`. "
            f"Received: {source.backbone.name} for {task.backbone.name}"
        )
    return Transferred(
        weights=len(task.weights) - len(new),
        new_weights=new,
        words=sum(_words(task)[i] not in (PAD, UNKNOWN) for i, _ in words),
        answers=len(answers),
    )


def _words(task):
    return task.preprocessor.tokenizer.get_vocabulary()


def _matches(texts, known):
    """Returns the pairs of index in `texts` and in `known` of equal texts."""
    index = {text: i for i, text in enumerate(known)}
    return [(i, index[text]) for i, text in enumerate(texts) if text in index]


def is_word_embedding(weight, task):
    """Whether the rows of a weight are those of the words of a task."""
    size = task.backbone.vocabulary_size
    return weight.path.endswith("/embeddings") and weight.shape[0] == size


def _copied(value, old, rows, is_last):
    """Returns a new weight with what can be copied of `old`, or None.

    Args:
        value: array, the initial value of the new weight.
        old: array, the weight of the source.
        rows: pairs of index in `value` and `old`, or None to copy all.
        is_last: bool, whether rows are along the last axis, not the first.
    """
    if rows is None:
        return old if value.shape == old.shape else None
    axis = -1 if is_last else 0
    value, old = np.moveaxis(value, axis, 0), np.moveaxis(old, axis, 0)
    if value.shape[1:] != old.shape[1:] or not rows:
        return None
    to, taken = np.array(rows).T
    value[to] = old[taken]
    return np.moveaxis(value, 0, axis)
