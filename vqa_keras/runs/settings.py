"""The settings of a training, which a recipe gives."""

import dataclasses
from typing import Any
from typing import Literal

from vqa_keras.runs import typed_json

Inputs = Literal["regions", "grids", "images"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """The [training] of a recipe.

    Args:
        inputs: what the model takes from the records.
        targets: "answer" or "scores".
        batch_size: questions per step, on all devices together.
        epochs: their number.
        learning_rate: the highest one.
        seed: of weights and order.
        share_images: whether a batch holds an image once for all its
            questions.
        global_clipnorm: the highest norm of the gradient of all weights; None
            does not clip it.
    """

    inputs: Inputs
    targets: Literal["answer", "scores"]
    batch_size: int
    epochs: int
    learning_rate: float
    seed: int
    share_images: bool = False
    global_clipnorm: float | None = None

    @classmethod
    def from_json(cls, values: Any, source: str) -> "Settings":
        """Returns the settings of a parsed table.

        Args:
            values: dict, the [training] of a recipe.
            source: what messages call its source.

        Raises:
            UserError: if a key is missing or unknown, or of another type.
        """
        return typed_json.read(cls, values, source)
