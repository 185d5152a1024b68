"""Locates and completes the presets that ship with vqa_keras.

A shipped preset is a run (`vqa_keras.runs.run`) without its CNN, which ships
with the package separately. Its results.json is that of the training, with one
more field:

    image_encoder    name of the CNN for `image_encoders.load`; metadata.json
                     has it too

`weights_sha256` in it is the hash of the CNN whose features trained the model.
"""

import difflib
import os
import pathlib

import keras_hub
from keras_hub.src.utils.preset_utils import METADATA_FILE
from keras_hub.src.utils.preset_utils import TASK_CONFIG_FILE
from keras_hub.src.utils.preset_utils import check_file_exists
from keras_hub.src.utils.preset_utils import load_json

from vqa_keras import image_encoders
from vqa_keras.errors import UserError
from vqa_keras.files import read_json
from vqa_keras.files import write_json
from vqa_keras.files import zoo_folder
from vqa_keras.preset_files import RESULTS

# name: folder in zoo/
SHIPPED = {"stacked_easy_vqa": "stacked/preset"}


def find(preset):
    """Returns the folder of a shipped preset; any other preset unchanged.

    Args:
        preset: str or path. Name of a shipped preset, folder of a preset, or a
            KerasHub handle such as "hf://user/model" or "resnet_50_imagenet". A
            shipped name takes precedence over a folder of the same name; write
            "./name" for the folder.

    Returns:
        str.

    Raises:
        UserError: if there is no such preset; the message suggests the closest
            shipped name.

    Example:
    ```python
    folder = vqa_keras.presets.find("stacked_easy_vqa")
    ```
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
    """Raises UserError for a preset of vqa_keras 0.1, whose classes are gone.

    Args:
        preset: str, folder or KerasHub handle.
    """
    if not check_file_exists(preset, TASK_CONFIG_FILE):
        return
    saved = load_json(preset, TASK_CONFIG_FILE)
    module, name = saved.get("module") or "", saved.get("class_name")
    if module.startswith("vqa_keras.models.") and name != "VQA":
        raise UserError(
            f"{preset} must be a preset of this version. Received: a {name} of "
            "vqa_keras 0.1; train it again with the command in its results.json"
        )


def complete(task, preset):
    """Adds the CNN that a preset names but does not contain.

    A task with a CNN, or of a preset that names none, is returned unchanged.

    Args:
        task: `VQA` loaded from `preset`.
        preset: str, the result of `find`.

    Returns:
        A `VQA`.

    Raises:
        UserError: if the CNN has other weights than in training, or if the
            results.json that names it is missing.
    """
    path = pathlib.Path(preset) / RESULTS
    if task.backbone.image_encoder is not None:
        return task
    if not path.is_file():
        _check_names_no_image_encoder(preset)
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


def _check_names_no_image_encoder(preset):
    path = pathlib.Path(preset) / METADATA_FILE
    metadata = read_json(path) if path.is_file() else {}
    if isinstance(metadata, dict) and "image_encoder" in metadata:
        raise UserError(
            f"{preset} must have the {RESULTS} it was shipped with, which "
            "states the weights of its image encoder, "
            f"{metadata['image_encoder']}. Received: a preset without"
        )


def set_image_encoder(preset, name):
    """Writes to the metadata of a preset that it is shipped without its CNN.

    Args:
        preset: path of the folder.
        name: str, the name of the CNN.
    """
    path = preset / METADATA_FILE
    write_json(path, {**read_json(path), "image_encoder": name})


def load_image_encoder(name, needed):
    """Loads a CNN, with the weights whose features trained a model.

    Args:
        name: str, a name that `image_encoders.load` takes.
        needed: str, sha256 of those weights.

    Returns:
        A `keras.Model` from pixels to a grid.

    Raises:
        UserError: if its weights are others.
    """
    image_encoder = image_encoders.load(name)
    image_encoders.check_network(
        f"The image encoder {name}", image_encoder, needed
    )
    return image_encoder


def example_image(preset):
    """Returns the path of the example image of a shipped preset.

    Args:
        preset: str, name of a shipped preset.

    Returns:
        `pathlib.Path` of a PNG file.

    Example:
    ```python
    task = vqa_keras.models.VQA.from_preset("stacked_easy_vqa")
    image = vqa_keras.presets.example_image("stacked_easy_vqa")
    answer = task.ask(image, "what color is the shape?")
    ```
    """
    return pathlib.Path(find(preset), "example.png")
