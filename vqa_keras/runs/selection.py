"""Which epoch of a training is kept, and when the training stops early."""

from typing import cast

import keras

from vqa_keras.data import Records
from vqa_keras.errors import UserError
from vqa_keras.runs.checkpoints import Checkpoints
from vqa_keras.runs.results import Training

BEST = "best on validation"
CHOSEN_ON = "best on validation, which is also what was measured"
LAST = "last epoch"


def selection(records: Records, patience: int | None = None) -> str:
    """Returns the rule by which an epoch is kept, `Training.selected`.

    The best epoch on validation is kept where a test split with answers
    measures it: figures on the split that the epoch is chosen on are too good.
    Otherwise the last epoch is kept, unless the training stops early, which
    chooses on validation in any case.

    Args:
        records: `Records`.
        patience: that of `Patience`, or None.

    Raises:
        UserError: for a patience without a validation split with answers.
    """
    if not measures_validation(records):
        if patience is not None:
            raise UserError(
                "--patience must be for records whose validation split has "
                "answers. Received: records of "
                f"{', '.join(records.info.splits)} in {records.folder}"
            )
        return LAST
    if _has_answers(records, "test"):
        return BEST
    return LAST if patience is None else CHOSEN_ON


def measures_validation(records: Records) -> bool:
    """Whether there is a validation split with answers."""
    return _has_answers(records, "validation")


def _has_answers(records: Records, split: str) -> bool:
    splits = records.info.splits
    return split in splits and splits[split].in_vocabulary > 0


class Patience(keras.callbacks.Callback):
    """Stops a training after epochs without a better one.

    It reads the history of the checkpoints, so that a continued training stops
    at the same epoch; it must come after them in the list of callbacks.

    Args:
        checkpoints: `Checkpoints`.
        patience: number of epochs without a higher monitored log; None for no
            limit.
    """

    def __init__(self, checkpoints: Checkpoints, patience: int | None):
        super().__init__()
        self.checkpoints = checkpoints
        self.patience = patience

    def is_exhausted(self) -> bool:
        """Returns whether the training must stop."""
        epochs = len(self.checkpoints.history)
        if self.patience is None or epochs == 0:
            return False
        return epochs - self.checkpoints.best_epoch() >= self.patience

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self.is_exhausted():
            cast(keras.Model, self.model).stop_training = True


def print_selection(trained: Training) -> None:
    """Prints which epoch was kept and why the training stopped."""
    epochs = len(trained.history)
    if trained.stopped_after is not None:
        print(
            f"stopped      after epoch {trained.stopped_after} of "
            f"{trained.epochs}: {trained.patience} without a better validation "
            "accuracy (--patience)"
        )
    if trained.best_epoch is None or epochs == 0:
        return  # of an ensemble
    accuracy = trained.history[trained.best_epoch - 1].get("val_accuracy")
    rule = trained.selected or BEST
    print(
        f"epoch        {trained.best_epoch} of {epochs} kept, "
        f"{rule.replace('last epoch', 'the last')}"
        + ("" if accuracy is None else f" ({100 * accuracy:.2f} %)")
    )
