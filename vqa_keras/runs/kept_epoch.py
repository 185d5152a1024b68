"""The epoch whose weights a run keeps, in words."""

from vqa_keras.runs.results import Training

BEST = "best on validation"
BEST_AND_MEASURED = "best on validation, the split of the figures"
LAST = "last epoch"


def describe_epoch(trained: Training) -> str:
    """Returns the kept epoch, why it was kept, and its validation accuracy."""
    number, last = trained.best_epoch, len(trained.history)
    accuracy = trained.history[number - 1].get("val_accuracy")
    text = f"{number} of {last} kept, {trained.selected or BEST}"
    if accuracy is not None:
        text += f" (validation accuracy {100 * accuracy:.2f} %)"
    if last < trained.epochs:
        text += f"; stopped early, of {trained.epochs}"
    return text


def was_chosen_on(trained: Training, split: str) -> bool:
    """Whether the kept epoch is the best of several on this split."""
    is_best = (trained.selected or BEST) != LAST
    return split == "validation" and is_best and len(trained.history) > 1
