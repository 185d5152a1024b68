"""Checks that a preset is whole: nothing of its task is random or cut off."""

import contextlib
import os
import pathlib
import warnings

from keras_hub.src.utils.preset_utils import TASK_CONFIG_FILE
from keras_hub.src.utils.preset_utils import TASK_WEIGHTS_FILE
from keras_hub.src.utils.preset_utils import check_file_exists

from vqa_keras import preset_files
from vqa_keras.errors import UserError
from vqa_keras.files import read_json
from vqa_keras.image_encoders import keras_file

_CONFIGS = ("config.json", "task.json", "preprocessor.json", "tokenizer.json")
_NEW_HEAD = "; `num_classes` or `answers` gives a new head"


@contextlib.contextmanager
def reading(preset, arguments):
    """Checks the files of a preset, and names it if the block cannot read it.

    Args:
        preset: str, folder or KerasHub handle.
        arguments: the caller's own, which may be what is wrong.

    Raises:
        UserError: if a file of the preset is missing, changed or unreadable.
    """
    try:
        with preset_files.checked(preset), warnings.catch_warnings():
            # Of members of an ensemble, Keras then keeps the random weights.
            warnings.filterwarnings("error", "Skipping nested container")
            _check_classes(preset)
            yield
    except (UserError, MemoryError):
        raise
    except Exception as error:  # KerasHub's and HDF5's are of many classes.
        if not os.path.isdir(preset):
            raise
        if arguments and isinstance(error, TypeError | ValueError):
            raise
        text = " ".join(str(error).split())[:300]
        raise UserError(
            f"{preset} must hold the whole preset of a task. Received: "
            f"{type(error).__name__}: {text}"
        ) from error


def _check_classes(preset):
    # Keras imports the module of a class that it does not know.
    for name in _CONFIGS:
        path = pathlib.Path(preset, name)
        if path.is_file():
            try:
                keras_file.check_config(read_json(path))
            except UserError as error:
                raise UserError(
                    f"{preset} must hold the whole preset of a task. "
                    f"Received: {name}: {error}"
                ) from error


def check_config(preset):
    """Raises UserError if a preset does not describe the head of its task."""
    if not check_file_exists(preset, TASK_CONFIG_FILE):
        raise UserError(
            f"{preset} must have {TASK_CONFIG_FILE}, which describes the head"
            f"{_NEW_HEAD}. Received: a preset without"
        )


def check_head(task, preset):
    """Raises UserError if a preset lacks the weights of its task's head."""
    if task.has_task_weights() and not check_file_exists(
        preset, TASK_WEIGHTS_FILE
    ):
        raise UserError(
            f"{preset} must have {TASK_WEIGHTS_FILE}, the weights of the head"
            f"{_NEW_HEAD}. Received: a preset without"
        )


def check_vocabulary(task, preset):
    """Raises UserError if the tokenizer has other ids than the embedding."""
    if task.preprocessor is None:
        return
    words = task.preprocessor.tokenizer.vocabulary_size()
    if words != task.backbone.vocabulary_size:
        raise UserError(
            f"The tokenizer of {preset} must have the "
            f"{task.backbone.vocabulary_size} words of the model's embedding. "
            f"Received: {words} words"
        )
