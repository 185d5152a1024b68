"""Saves the CNN beside the features that it computed."""

import itertools
import json
import os
import pathlib
import zipfile
from collections.abc import Sequence
from typing import Any

import keras

from vqa_keras.data.features import CNN
from vqa_keras.data.features import Features
from vqa_keras.errors import UserError
from vqa_keras.files import replacing
from vqa_keras.image_encoders import weights_sha256
from vqa_keras.writing.work_folder import WorkFolder

FILE = "image_encoder.keras"
ONLY_LEVEL = "grid"  # what a single feature map is called without --levels
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date that a zip file can have


def describe_encoder(
    encoder: keras.Model,
    name: str,
    levels: Sequence[str] | None = None,
    weights: str = "imagenet",
    pool: int | None = None,
    l2_normalize: bool = False,
    feature_dtype: str = "float16",
) -> Features:
    """Returns what records say of the features of a CNN.

    Args:
        encoder: `keras.Model` from images to a grid, or to a dict of grids.
        name: what the user called it. Of a path the last part is kept.
        levels: list of the names asked for, or None.
        weights: "imagenet", "none" or a file, of which the name is kept.
        pool: int or None, what `pool_and_normalize` was called with.
        l2_normalize: bool, the same.
        feature_dtype: "float16" or "bfloat16", how the features are stored.

    Raises:
        UserError: if the size of the images or of a grid is not fixed.
    """
    outputs: Any = encoder.output
    if not isinstance(outputs, dict):
        outputs = {levels[0] if levels else ONLY_LEVEL: outputs}
    shapes = {
        level: tuple(outputs[level].shape[1:]) for level in levels or outputs
    }
    height, width = encoder.input_shape[1:3]
    if None in (height, width, *itertools.chain(*shapes.values())):
        raise UserError(
            f"{name} takes images of any size: --image_size must be given. "
            "Received: none"
        )
    return Features(
        source=CNN,
        name=pathlib.Path(name).name,
        weights_sha256=weights_sha256(encoder),
        levels=shapes,
        dtype=feature_dtype,
        file=FILE,
        image_size=(height, width),
        weights=pathlib.Path(weights).name,
        pool=pool,
        l2_normalize=l2_normalize,
    )


def save_encoder(
    encoder: keras.Model, output: str | os.PathLike[str]
) -> pathlib.Path:
    """Saves the CNN beside the records, whole or not at all.

    Equal CNNs give equal bytes: Keras writes the time into the file and its
    members, and both are replaced.

    Args:
        encoder: `keras.Model`.
        output: folder of the records.

    Returns:
        The path of the `.keras` file.

    Raises:
        UserError: if the disk does not take the file.
    """
    path = pathlib.Path(output, FILE)
    work = WorkFolder(output).path
    saved = work / f"saved_{FILE}"
    with replacing(path) as temporary:
        encoder.save(saved)
        _copy_without_time(saved, temporary)
    saved.unlink()
    return path


def _copy_without_time(source: pathlib.Path, target: pathlib.Path) -> None:
    with zipfile.ZipFile(source) as old, open(target, "wb") as file:
        with zipfile.ZipFile(file, "w") as new:
            for name in sorted(old.namelist()):
                content = old.read(name)
                if name == "metadata.json":
                    metadata = json.loads(content)
                    metadata["date_saved"] = "1980-01-01@00:00:00"
                    content = json.dumps(metadata).encode()
                new.writestr(zipfile.ZipInfo(name, _EPOCH), content)
        file.flush()
        os.fsync(file.fileno())
