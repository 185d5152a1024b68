"""Chooses the questions that a report shows, and reads their images."""

import bisect
from collections.abc import Iterator

import numpy as np

from vqa_keras import visualization
from vqa_keras.attention_axes import attention_axes
from vqa_keras.data import Records
from vqa_keras.images import decode
from vqa_keras.models import VQA
from vqa_keras.runs.evaluation import Predictions
from vqa_keras.runs.run import preprocessor_of


def choose(right: np.ndarray, number: int, seed: int = 0) -> list[int]:
    """Returns the sorted indices of the questions to show.

    At most half of them are wrong answers. The right and the wrong ones are
    each spread over the split: cut into parts of equal length, with one
    question drawn from each part.

    Args:
        right: bool array, `(Q,)`.
        number: int, how many to show at most.
        seed: int.
    """
    random = np.random.default_rng(seed)
    wrong = _spread(np.flatnonzero(~right), number // 2, random)
    rest = number - len(wrong)
    return sorted([*wrong, *_spread(np.flatnonzero(right), rest, random)])


def choose_confident_mistakes(
    right: np.ndarray, probabilities: np.ndarray, number: int
) -> list[int]:
    """Returns the indices of the most confident wrong answers, highest first.

    Args:
        right: bool array, `(Q,)`; also true where an answer is not known to be
            wrong.
        probabilities: `(Q,)`, of the best answers.
        number: int, how many to return at most.
    """
    wrong = np.flatnonzero(~right)
    order = np.argsort(-probabilities[wrong], kind="stable")
    return wrong[order[:number]].tolist()


def _spread(
    indices: np.ndarray, number: int, random: np.random.Generator
) -> list[int]:
    number = min(number, len(indices))
    if not number:
        return []
    return [int(random.choice(p)) for p in np.array_split(indices, number)]


def read_examples(
    task: VQA,
    records: Records,
    split: str,
    predictions: Predictions,
    chosen: list[int],
) -> Iterator[visualization.Example]:
    """Yields the `vqa_keras.visualization.Example` of the chosen questions.

    Args:
        task: the `VQA`, for its answers.
        records: `Records` with stored images.
        split: str.
        predictions: of all questions of the split.
        chosen: sorted list of indices of questions.
    """
    preprocessor = preprocessor_of(task)
    names = preprocessor.answers
    grid_shape = task.backbone.grid_shape or records.grid_shape
    first = 0  # index of the image's first question
    for image in records.images(split):
        questions = image.questions
        here = slice(
            bisect.bisect_left(chosen, first),
            bisect.bisect_left(chosen, first + len(questions)),
        )
        for i in chosen[here]:
            question = questions[i - first]
            words = preprocessor.tokenizer.words(question.question)
            unused = preprocessor.tokenizer.unused_words(question.question)
            answers = [names[a] for a in predictions.answers[i]]
            yield visualization.Example(
                image=decode(image.image),
                image_id=image.image_id,
                question_id=question.question_id,
                question_type=question.question_type,
                answer_type=question.answer_type,
                question=question.question,
                answer=question.answer,
                answers=answers,
                probabilities=predictions.probabilities[i].tolist(),
                attention={
                    name: weights[i] if grid_shape else _boxes(name, weights[i])
                    for name, weights in predictions.attention.items()
                },
                correct=answers[0] == question.answer,
                words=words,
                unused_words=unused,
            )
        first += len(questions)


def _boxes(name: str, weights: np.ndarray) -> np.ndarray:
    """Weights as `vqa_keras.visualization.Example` takes them, without a grid.

    Regions are one axis: the mean over the heads is taken, since heads before
    regions would be read as the rows of a grid.
    """
    axes = attention_axes(name, weights.ndim)
    if axes[0] == "heads" and axes.count("regions") == 1:
        return weights.mean(axis=0)
    return weights
