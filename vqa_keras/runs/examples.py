"""Chooses the questions that a report shows, and reads their images."""

import bisect
from collections.abc import Iterator

import numpy as np

from vqa_keras import visualization
from vqa_keras.attention_axes import attention_axes
from vqa_keras.data import Records
from vqa_keras.images import decode
from vqa_keras.models import VQA


def choose(right: np.ndarray, number: int, seed: int = 0) -> list[int]:
    """Returns the sorted indices of the questions to show.

    Wrong answers make up to half of them. Each kind is spread over the split:
    its questions are cut into runs of equal length, and one is drawn of each.

    Args:
        right: bool array, `(Q,)`.
        number: int, how many to show at most.
        seed: int.
    """
    random = np.random.default_rng(seed)
    wrong = _spread(np.flatnonzero(~right), number // 2, random)
    rest = number - len(wrong)
    return sorted([*wrong, *_spread(np.flatnonzero(right), rest, random)])


def _spread(indices, number, random):
    number = min(number, len(indices))
    if not number:
        return []
    return [int(random.choice(p)) for p in np.array_split(indices, number)]


def read_examples(
    task: VQA, records: Records, split: str, outputs: dict, chosen: list[int]
) -> Iterator[visualization.Example]:
    """Yields the `vqa_keras.visualization.Example` of the chosen questions.

    Args:
        task: the `VQA`, for its answers.
        records: `Records` with stored images.
        split: str.
        outputs: what `vqa_keras.runs.evaluation.predict` returned.
        chosen: sorted list of indices of questions.
    """
    names = task.preprocessor.answers
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
            words = task.preprocessor.tokenizer.words(question.question)
            answers = [names[a] for a in outputs["answers"][i]]
            yield visualization.Example(
                image=decode(image.image),
                image_id=image.image_id,
                question=question.question,
                answer=question.answer,
                answers=answers,
                probabilities=outputs["probabilities"][i].tolist(),
                attention={
                    name: weights[i] if grid_shape else _boxes(name, weights[i])
                    for name, weights in outputs["attention"].items()
                },
                correct=answers[0] == question.answer,
                words=words,
            )
        first += len(questions)


def _boxes(name, weights):
    """Weights as `vqa_keras.visualization.Example` takes them, without a grid.

    Regions are one axis: heads before them would look like the rows of a grid,
    so their mean is taken.
    """
    axes = attention_axes(name, weights.ndim)
    if axes[0] == "heads" and axes.count("regions") == 1:
        return weights.mean(axis=0)
    return weights
