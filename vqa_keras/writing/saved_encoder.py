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
ONLY_LEVEL = "grid"  # name of a single feature map without --levels
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
        name: str, name or path of the CNN. The last part of a path is kept.
        levels: list of str, names of the grids, or None (default).
        weights: "imagenet" (default), "none" or a file, whose name is kept.
        pool: int or None (default), argument of `pool_and_normalize`.
        l2_normalize: bool, argument of `pool_and_normalize`. Defaults to False.
        feature_dtype: "float16" (default) or "bfloat16", dtype of stored
            features.

    Returns:
        Dict of JSON values.

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
            f"--image_size must be given for {name}, which takes images of any "
            "size. Received: none"
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
    """Saves the CNN beside the records, atomically.

    Equal CNNs give equal bytes: the times that Keras writes into the file and
    its members are replaced.

    Args:
        encoder: `keras.Model`.
        output: str or path, folder of the records.

    Returns:
        `pathlib.Path` of the `.keras` file.

    Raises:
        UserError: if the file cannot be written.
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
