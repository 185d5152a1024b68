"""Ends a training at the first number that is not finite."""

import math
from typing import cast

import keras
from keras import ops

from vqa_keras.errors import UserError

_CAUSES = (
    "a learning rate that is too high (--learning_rate), half precision "
    "(--precision), or features of the records that are not finite"
)


class NotFinite(UserError):
    """Raised where a training diverged; the epochs before are saved.

    Args:
        epoch: the epoch, counted from 1, that is not finite.
        received: what is not finite.
        command: in words, the command that makes a run of the epochs before.

    Attributes:
        epoch: the epoch.
        received: see there.
    """

    def __init__(
        self, epoch: int, received: str, command: str = "the same command"
    ):
        self.epoch = epoch
        self.received = received
        if epoch > 1:
            kept = (
                f"The last finite epoch, {epoch - 1}, is kept: {command} with "
                f"--epochs={epoch - 1} ends the training there and makes a run"
            )
        else:
            kept = "No epoch was finite, and none is kept"
        super().__init__(
            f"A training must stay finite. Received: {received} in epoch "
            f"{epoch}. Likely causes: {_CAUSES}. {kept}; --noresume trains anew"
        )


class StopNotFinite(keras.callbacks.Callback):
    """Raises `NotFinite` at the batch whose loss is not finite.

    After an epoch it checks all logs, the weights and the optimizer's state,
    before the callbacks after it save them: a weight may be damaged by the last
    step, or in a way that the loss does not show.
    """

    def __init__(self) -> None:
        super().__init__()
        self.epoch = 0  # from 1 while it is trained

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        # Keras has fetched the loss for the progress; this costs no more.
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            raise NotFinite(self.epoch, f"loss {loss} after batch {batch + 1}")

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        for name, value in (logs or {}).items():
            if not math.isfinite(value):
                raise NotFinite(epoch + 1, f"{name} {float(value)}")
        model = cast(keras.Model, self.model)  # which `fit` has set
        optimizer = cast(keras.Optimizer, model.optimizer)
        for variable in [*model.variables, *optimizer.variables]:
            if keras.backend.is_float_dtype(variable.dtype) and not ops.all(
                ops.isfinite(variable)
            ):
                raise NotFinite(epoch + 1, f"weight {variable.path} not finite")
