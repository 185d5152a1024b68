"""Presets that ship with vqa_keras: their names, and where they lie.

A shipped preset is a run (`vqa_keras.runs.run`) without the CNN, which the
package holds anyway. Its results.json is that of the training, and has two
fields more:

    image_encoder    the CNN, a name that `image_encoders.load` takes
    files            {name: sha256} of all other files of the preset

`weights_sha256` in it is that of the CNN whose features trained the model.
"""

import difflib
import os
import pathlib

import keras_hub
from keras_hub.src.utils.preset_utils import TASK_CONFIG_FILE
from keras_hub.src.utils.preset_utils import check_file_exists
from keras_hub.src.utils.preset_utils import load_json

from vqa_keras import image_encoders
from vqa_keras.errors import UserError
from vqa_keras.files import file_sha256
from vqa_keras.files import read_json
from vqa_keras.files import zoo_folder

RESULTS = "results.json"
# name: folder in zoo/
SHIPPED = {"stacked_easy_vqa": "stacked/preset"}


def find(preset):
    """Returns the folder of a shipped preset; any other preset as it is.

    Args:
        preset: the name of a shipped preset, a folder, or a hub handle such as
            "hf://user/model". A name comes before a folder of that name, which
            "./name" stands for.

    Returns:
        str.

    Raises:
        UserError: if there is no such preset, with the closest shipped name.
    """
    preset = str(preset)
    if preset in SHIPPED:
        return str(zoo_folder() / SHIPPED[preset])
    if (
        "://" in preset
        or os.path.isdir(preset)
        or preset in keras_hub.models.Backbone.presets
    ):
        return preset
    close = difflib.get_close_matches(preset, SHIPPED, 1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise UserError(
        "The preset must be the folder of a run, a hub handle or a shipped "
        f"preset ({', '.join(SHIPPED)}). Received: {preset}{hint}"
    )


def check_version(preset):
    """Raises ValueError for a preset of vqa_keras 0.1, of other classes."""
    if not check_file_exists(preset, TASK_CONFIG_FILE):
        return
    saved = load_json(preset, TASK_CONFIG_FILE)
    module, name = saved.get("module") or "", saved.get("class_name")
    if module.startswith("vqa_keras.models.") and name != "VQA":
        raise ValueError(
            f"{preset} must be a preset of this version. Received: a {name} of "
            "vqa_keras 0.1; train it again as its results.json says"
        )


def complete(task, preset):
    """Returns `task` with the CNN that its preset omits and names.

    A task that has its CNN inside is returned as it is, and so is one whose
    preset names none.

    Args:
        task: a `VQA`, as it was saved in `preset`.
        preset: what `find` returned.

    Raises:
        UserError: as `load_image_encoder` does.
    """
    path = pathlib.Path(preset) / RESULTS
    if task.backbone.image_encoder is not None or not path.is_file():
        return task
    results = read_json(path)
    if not isinstance(results, dict) or "image_encoder" not in results:
        return task
    named = [results.get(key) for key in ("image_encoder", "weights_sha256")]
    if not all(isinstance(value, str) for value in named):
        raise UserError(
            f"{path}: image_encoder and weights_sha256 must be strings. "
            f"Received: {named}"
        )
    return task.with_image_encoder(load_image_encoder(*named))


def load_image_encoder(name, needed):
    """Returns a CNN of the weights whose features trained a model.

    Args:
        name: a name that `image_encoders.load` takes.
        needed: sha256 of those weights.

    Raises:
        UserError: if its weights are others.
    """
    image_encoder = image_encoders.load(name)
    received = image_encoders.weights_sha256(image_encoder)
    if received != needed:
        raise UserError(
            f"The image encoder {name} must have the weights that the model "
            f"was trained with, sha256 {needed}. Received: {received}"
        )
    return image_encoder


def example_image(preset):
    """Returns the path of an image to ask a shipped preset about.

    Example:
    ```python
    image = vqa_keras.presets.example_image("stacked_easy_vqa")
    ```
    """
    return pathlib.Path(find(preset), "example.png")


def file_hashes(folder):
    """Returns `{name: sha256}` of the files of a preset but results.json."""
    folder = pathlib.Path(folder)
    return {
        path.relative_to(folder).as_posix(): file_sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / RESULTS
    }
