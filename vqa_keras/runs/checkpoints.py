import math
import os
import pathlib
import time
from typing import cast

import keras
import numpy as np
from keras import ops

from vqa_keras.runs.saved_epochs import Saved
from vqa_keras.runs.saved_epochs import SavedEpochs
from vqa_keras.runs.saved_epochs import damaged


class Checkpoints(keras.callbacks.Callback):
    """Saves the whole training state after every epoch, to resume exactly.

    After epoch k (counted from 1) the folder holds `epoch_k.weights.h5`, the
    weights with the optimizer's state, and `epoch_k.json`, the logs of the
    epochs up to k, the states of the random seed generators (dropout), which
    Keras leaves out of weights files, and the hashes of both files. See
    `SavedEpochs` for how they are written: a killed process leaves the
    checkpoint of the last whole epoch, never half of one.
    (`keras.callbacks.BackupAndRestore` keeps weights and epoch in two files
    that a kill can leave out of step.) The last epoch and the best are kept.

    Args:
        directory: folder of the checkpoints, made if missing.
        monitor: name of the log whose highest value marks the best epoch, the
            first of equal ones. None: the last epoch is the best.

    Attributes:
        history: list of the epochs' logs, each with its `seconds`.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        monitor: str | None = "val_accuracy",
    ):
        super().__init__()
        self.files = SavedEpochs(pathlib.Path(directory))
        self.monitor = monitor
        self.history: list[dict[str, float]] = []

    def restore(self, model: keras.Model, skip_damaged: bool = True) -> int:
        """Loads the newest whole checkpoint into `model`, compiled and built.

        Args:
            model: the model.
            skip_damaged: whether an older checkpoint may take the place of a
                damaged one.

        Returns:
            The number of finished epochs, 0 without a checkpoint.

        Raises:
            UserError: if there are only damaged checkpoints, or that of the
                best epoch is.
        """
        saved = self.files.newest(skip_damaged)
        if saved is None:
            return 0
        path = self.files.path(saved.epoch, "json")
        names = {"seconds", self.monitor or "seconds"}
        if not all(names <= logs.keys() for logs in saved.logs):
            raise damaged(path, f"logs of {saved.epoch} epochs without {names}")
        seeds = _seeds(model)
        if [seed.shape for seed in saved.seeds] != [s.shape for s in seeds]:
            received = f"states of {len(saved.seeds)} seed generators"
            raise damaged(path, received)
        self.history = saved.logs
        if saved.best_epoch != self.best_epoch():
            raise damaged(path, f"best epoch {saved.best_epoch}")
        self._load(model, saved.epoch)
        for seed, value in zip(seeds, saved.seeds, strict=True):
            seed.assign(value)
        return saved.epoch

    def load_best(self, model: keras.Model) -> None:
        """Loads the best epoch into `model`, compiled and built."""
        self._load(model, self.best_epoch())

    def best_epoch(self) -> int:
        """Returns the epoch, counted from 1, with the highest monitored log.

        A log that is not finite is never the highest.
        """
        if self.monitor is None:
            return len(self.history)
        values = [logs[self.monitor] for logs in self.history]
        values = [v if math.isfinite(v) else -math.inf for v in values]
        return values.index(max(values)) + 1

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._start = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        model = cast(keras.Model, self.model)  # which `fit` has set
        logs = {name: float(value) for name, value in (logs or {}).items()}
        seconds = round(time.monotonic() - self._start, 2)
        self.history.append({**logs, "seconds": seconds})
        seeds = [np.asarray(ops.convert_to_numpy(s)) for s in _seeds(model)]
        self.files.write(
            Saved(self.history, seeds, self.best_epoch()),
            lambda path: model.save_weights(path, overwrite=True),
            _size(model),
        )

    def _load(self, model: keras.Model, epoch: int) -> None:
        path = self.files.path(epoch, "weights.h5")
        model.optimizer.build(model.trainable_variables)
        try:
            model.load_weights(path)
        except (OSError, KeyError, ValueError, RuntimeError) as error:
            (first, *_) = str(error).splitlines() or [type(error).__name__]
            raise damaged(path, first) from error


def _size(model: keras.Model) -> int:
    """Returns a bound of the size of the weights' file, in bytes."""
    variables = [*model.variables, *model.optimizer.variables]
    size = sum(math.prod(v.shape) * 8 for v in variables)  # 8: float64
    return size + 2**20  # and the file's own structure


def _seeds(model: keras.Model) -> list[keras.Variable]:
    name = "seed_generator_state"
    return [v for v in model.variables if v.path.endswith(name)]
