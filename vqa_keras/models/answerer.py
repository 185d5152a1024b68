import threading

import numpy as np
from keras import ops

from vqa_keras.attention_axes import unflatten_regions
from vqa_keras.compiled import compiled


class Answerer:
    """Computes the best answers of a task and the attention behind them.

    A call with a batch of the task's inputs returns a dict: `answers`, the
    indices of the K best answers, int32 `(B, K)`, best first; `probabilities`,
    `(B, K)`; and `attention`, weights by name, with two axes `(h, w)` in place
    of that of a grid's regions. One compiled function computes all of it.

    Args:
        task: a `VQA`.
        top_k: int. Number K of answers, at most those of the task.
        grid_shape: `(h, w)` of the grid whose cells the regions are, or None
            for other regions.
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
        """Returns the outputs of a call, for another compiled function."""
        outputs = self.task.backbone(inputs, training=False)
        probabilities = self.task.probabilities(
            self.task.head(outputs["fused"], inputs["token_ids"])
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
        """Returns whether the task has the same variables; LoRA adds some."""
        current = self.task.variables
        return len(current) == len(self._variables) and all(
            a is b for a, b in zip(current, self._variables, strict=True)
        )


class Answerers:
    """Cache of the answerers of one task."""

    def __init__(self):
        self._cache = {}
        self._lock = threading.Lock()

    def get(self, *arguments):
        """Returns `Answerer(*arguments)`, from the cache if it is current."""
        with self._lock:
            answerer = self._cache.get(arguments[1:])
            if answerer is None or not answerer.is_current():
                answerer = Answerer(*arguments)
                self._cache[arguments[1:]] = answerer
            return answerer


def join(batches):
    """Joins dicts of weights along the batch, padding regions with zeros."""
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
