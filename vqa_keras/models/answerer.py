import threading

import numpy as np
from keras import ops

from vqa_keras.attention_axes import unflatten_regions
from vqa_keras.compiled import compiled


class Answerer:
    """The best answers of a task and the attention that led to them.

    Called with a batch of the task's inputs, it returns a dict: `answers`, the
    indices of the K best answers, int32 `(B, K)`, best first; `probabilities`,
    `(B, K)`; and `attention`, weights by name, in which each axis of a grid's
    regions is two, `(h, w)`. One compiled function computes all of it.

    Args:
        task: a `VQA`.
        top_k: int, number K of answers, at most those of the task.
        grid_shape: `(h, w)` of the grid that the regions are cells of, or None
            if they are none.
    """

    def __init__(self, task, top_k, grid_shape):
        self.task = task
        self.top_k = top_k
        self.grid_shape = grid_shape
        self._variables = task.variables
        self._function = compiled(self.compute, task)

    def __call__(self, inputs):
        return self._function(inputs)

    def compute(self, inputs):
        """Returns the same, to be part of another compiled function."""
        outputs = self.task.backbone(inputs, training=False)
        probabilities = self.task.probabilities(
            self.task.head(outputs["fused"])
        )
        best, answers = ops.top_k(probabilities, self.top_k)
        attention = {
            name: unflatten_regions(
                name, ops.cast(weights, "float32"), self.grid_shape
            )
            for name, weights in outputs["attention"].items()
        }
        return {
            "answers": answers,
            "probabilities": best,
            "attention": attention,
        }

    def is_current(self):
        """Whether the task has no new variables, such as those of LoRA."""
        now = self.task.variables
        return len(now) == len(self._variables) and all(
            a is b for a, b in zip(now, self._variables, strict=True)
        )


class Answerers:
    """The answerers of one task, each made when it is first needed."""

    def __init__(self):
        self._made = {}
        self._lock = threading.Lock()

    def get(self, *arguments):
        """Returns `Answerer(*arguments)`, the same one as before if it can."""
        with self._lock:
            answerer = self._made.get(arguments[1:])
            if answerer is None or not answerer.is_current():
                answerer = Answerer(*arguments)
                self._made[arguments[1:]] = answerer
            return answerer


def join(batches):
    """Joins dicts of weights, with zeros where an image has fewer regions."""
    batches = list(batches)
    return {
        name: _join([batch[name] for batch in batches]) for name in batches[0]
    }


def _join(batches):
    sizes = np.max([weights.shape[1:] for weights in batches], axis=0)
    joined = np.zeros((sum(map(len, batches)), *sizes), batches[0].dtype)
    row = 0
    for weights in batches:
        inside = (slice(0, size) for size in weights.shape[1:])
        joined[(slice(row, row + len(weights)), *inside)] = weights
        row += len(weights)
    return joined
