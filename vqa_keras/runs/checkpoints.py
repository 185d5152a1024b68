import json
import math
import os
import pathlib
import shutil
import time
from typing import cast

import keras
import numpy as np
from keras import ops

from vqa_keras.errors import UserError


class Checkpoints(keras.callbacks.Callback):
    """Saves the whole training state after every epoch, to resume exactly.

    After epoch k (counted from 1) the folder holds `epoch_k.weights.h5`, the
    weights with the optimizer's state, and `epoch_k.json`, the logs of the
    epochs up to k and the states of the random seed generators (dropout),
    which Keras leaves out of weights files. Both are written under another
    name and renamed, the weights last, so that a killed process leaves the
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
        self.directory = pathlib.Path(directory)
        self.monitor = monitor
        self.history: list[dict[str, float]] = []

    def restore(self, model: keras.Model) -> int:
        """Loads the last checkpoint into `model`, compiled and built.

        Returns:
            The number of finished epochs, 0 without a checkpoint.

        Raises:
            UserError: if the checkpoint is damaged.
        """
        epochs = self._saved_epochs()
        if not epochs:
            return 0
        last = max(epochs)
        seeds = _seeds(model)
        self.history, values = self._state(last, [s.shape for s in seeds])
        self._load(model, last)
        for seed, value in zip(seeds, values, strict=True):
            seed.assign(value)
        return last

    def load_best(self, model: keras.Model) -> None:
        """Loads the best epoch into `model`, compiled and built."""
        self._load(model, self.best_epoch())

    def best_epoch(self) -> int:
        """Returns the epoch, counted from 1, with the highest monitored log."""
        if self.monitor is None:
            return len(self.history)
        values = [logs[self.monitor] for logs in self.history]
        return values.index(max(values)) + 1

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._start = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        epoch += 1
        model = cast(keras.Model, self.model)  # which `fit` has set
        self.directory.mkdir(parents=True, exist_ok=True)
        logs = {name: float(value) for name, value in (logs or {}).items()}
        seconds = round(time.monotonic() - self._start, 2)
        self.history.append({**logs, "seconds": seconds})
        text = self.directory / "unfinished.json"
        weights = self.directory / "unfinished.weights.h5"
        seeds = [
            np.asarray(ops.convert_to_numpy(seed)).tolist()
            for seed in _seeds(model)
        ]
        state = {"logs": self.history, "seeds": seeds}
        text.write_text(json.dumps(state, indent=1), encoding="utf-8")
        self._check_space(model)
        model.save_weights(weights, overwrite=True)
        os.replace(text, self._path(epoch, "json"))
        os.replace(weights, self._path(epoch, "weights.h5"))
        for old in self._saved_epochs() - {epoch, self.best_epoch()}:
            self._path(old, "weights.h5").unlink()
            self._path(old, "json").unlink()

    def _check_space(self, model: keras.Model) -> None:
        # h5py crashes the process when a disk fills up while it writes.
        variables = [*model.variables, *model.optimizer.variables]
        size = sum(math.prod(v.shape) * 8 for v in variables)  # 8: float64
        needed = size + 2**20  # and the file's own structure
        free = shutil.disk_usage(self.directory).free
        if free < needed:
            raise UserError(
                f"{self.directory}: the disk must have {needed:,} bytes free "
                f"for a checkpoint. Received: {free:,} bytes. Make room and "
                "give the same command again: it continues after the last "
                "saved epoch"
            )

    def _state(
        self, epoch: int, shapes: list[tuple[int, ...]]
    ) -> tuple[list[dict[str, float]], list[np.ndarray]]:
        """Returns the logs of the epochs and the states of the seeds."""
        path = self._path(epoch, "json")
        try:
            # NaN is read: `training.check_finite` names it.
            state = json.loads(path.read_text(encoding="utf-8"))
            logs = [
                {name: float(value) for name, value in one.items()}
                for one in state["logs"]
            ]
            seeds = [np.array(value, "uint32") for value in state["seeds"]]
        except OSError as error:
            raise _damaged(path, error.strerror or "no file") from error
        except (ValueError, RecursionError) as error:
            raise _damaged(path, str(error)) from error
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise _damaged(path, "other values") from error
        names = {"seconds", self.monitor or "seconds"}
        if len(logs) != epoch or not all(names <= one.keys() for one in logs):
            raise _damaged(path, f"logs of {len(logs)} epochs")
        if [seed.shape for seed in seeds] != shapes:
            raise _damaged(path, f"states of {len(seeds)} seed generators")
        return logs, seeds

    def _load(self, model: keras.Model, epoch: int) -> None:
        path = self._path(epoch, "weights.h5")
        model.optimizer.build(model.trainable_variables)
        try:
            model.load_weights(path)
        except (OSError, KeyError, ValueError, RuntimeError) as error:
            (first, *_) = str(error).splitlines() or [type(error).__name__]
            raise _damaged(path, first) from error

    def _saved_epochs(self) -> set[int]:
        names = self.directory.glob("epoch_*.weights.h5")
        epochs = (path.name.split(".")[0][6:] for path in names)
        return {int(epoch) for epoch in epochs if epoch.isdecimal()}

    def _path(self, epoch: int, suffix: str) -> pathlib.Path:
        return self.directory / f"epoch_{epoch}.{suffix}"


def _damaged(path: pathlib.Path, received: str) -> UserError:
    return UserError(
        f"{path} must be a checkpoint of this training. Received: {received}. "
        "--noresume trains anew"
    )


def _seeds(model: keras.Model) -> list[keras.Variable]:
    name = "seed_generator_state"
    return [v for v in model.variables if v.path.endswith(name)]
