"""Counts the parameters of a task, trainable and frozen."""

import math

from vqa_keras.models import VQA


def count_trainable(task: VQA) -> int:
    """Returns the number of parameters that gradients change."""
    return sum(math.prod(v.shape) for v in task.trainable_variables)


def describe_parameters(parameters: int, trainable: int | None) -> str:
    """Returns both numbers as text.

    Frozen are those of a frozen CNN and the statistics of batch normalization.

    Args:
        parameters: number of all.
        trainable: number of the trainable ones; None if it is not known.
    """
    if trainable is None:
        return f"{parameters:,}"
    return f"{trainable:,} trainable, {parameters - trainable:,} frozen"
