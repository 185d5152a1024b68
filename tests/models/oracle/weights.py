"""The weights of a model and the few functions all formulas are made of."""

import numpy as np


class Weights:
    """Weights by the end of their path, in float64.

    Args:
        arrays: dict of each weight's path and value. The paths may all begin
            with names of models that hold the layers.

    Attributes:
        unread: set of the paths of the weights that no formula has used.
    """

    def __init__(self, arrays):
        self.arrays = {
            path: np.asarray(array, "float64") for path, array in arrays.items()
        }
        self.unread = set(self.arrays)

    def __call__(self, path):
        found = [p for p in self.arrays if f"/{p}".endswith(f"/{path}")]
        # "summary/hidden_dense/kernel" ends like "hidden_dense/kernel" too.
        full = min(found, key=len)
        self.unread.discard(full)
        return self.arrays[full]

    def dense(self, name, x):
        """Returns `x W + b`, without b if the layer has none."""
        y = x @ self(f"{name}/kernel")
        if any(f"/{p}".endswith(f"/{name}/bias") for p in self.arrays):
            y = y + self(f"{name}/bias")
        return y

    def lstm(self, name, sequence):
        """Returns the states after each element, `(P, units)`."""
        kernel, recurrent, bias = (
            self(f"{name}/lstm_cell/{part}")
            for part in ("kernel", "recurrent_kernel", "bias")
        )
        h = c = np.zeros(len(recurrent))
        states = []
        for x in sequence:
            i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            states.append(h)
        return np.reshape(states, (-1, len(recurrent)))

    def norm(self, name, x):
        """Returns the layer norm of every row."""
        return standardize(x) * self(f"{name}/gamma") + self(f"{name}/beta")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def relu(x):
    return np.maximum(x, 0)


def softmax(scores):
    """Over the last axis, which may be empty."""
    exp = np.exp(scores - scores.max(axis=-1, initial=-1e30, keepdims=True))
    return exp / exp.sum(axis=-1, keepdims=True)


def mean(vectors):
    """The mean row; zeros if there is none."""
    return vectors.sum(axis=0) / max(len(vectors), 1)


def unit(vectors):
    """Every row at length 1; zeros stay zeros."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(length, 1e-6)


def standardize(x):
    """Every row with mean 0 and variance 1."""
    centered = x - x.mean(axis=-1, keepdims=True)
    variance = (centered**2).mean(axis=-1, keepdims=True)
    return centered / np.sqrt(variance + 1e-6)
