"""Stops a training that no longer gets better."""

from typing import cast

import keras

from vqa_keras.runs.checkpoints import Checkpoints


class Patience(keras.callbacks.Callback):
    """Stops a training when its best epoch is `patience` epochs ago.

    The history of the checkpoints decides, so that a resumed training stops
    after the same epoch; `keras.callbacks.EarlyStopping` would count anew.

    Args:
        checkpoints: `Checkpoints`, called before.
        patience: number of epochs; None never stops.
    """

    def __init__(self, checkpoints: Checkpoints, patience: int | None):
        super().__init__()
        self.checkpoints = checkpoints
        self.patience = patience

    def is_over(self) -> bool:
        """Whether the training has stopped."""
        history = self.checkpoints.history
        if self.patience is None or not history:
            return False
        return len(history) - self.checkpoints.best_epoch() >= self.patience

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        cast(keras.Model, self.model).stop_training |= self.is_over()
