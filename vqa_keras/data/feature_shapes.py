"""Computes the shapes of the image inputs of `load`."""

import math
from collections.abc import Mapping

from vqa_keras.data.features import GridShape
from vqa_keras.data.features import Shape
from vqa_keras.data.features import grid_of
from vqa_keras.data.features import regions_of
from vqa_keras.data.record_files import RecordFiles
from vqa_keras.errors import UserError

INPUTS = ("regions", "grids", "images")


def feature_shapes(
    files: RecordFiles,
    inputs: str,
    level: str | None = None,
    image_size: tuple[int, int] | None = None,
) -> dict[str, Shape]:
    """Returns the shape of each image input of `load`, without the batch axis.

    Args:
        files: `RecordFiles` of the records.
        inputs: "regions", "grids" or "images".
        level: name of the CNN layer of "regions". Defaults to the last one.
        image_size: `(height, width)` of "images". Defaults to the CNN's.

    Returns:
        `{"regions": (M, C)}`, M None if images differ in it;
        `{"grid_1": (h, w, C), ...}`, the grid with the most cells first; or
        `{"images": (H, W, 3)}`.

    Raises:
        UserError: for other `inputs`, or if the records lack them.
    """
    check_choice("inputs", inputs, INPUTS)
    if inputs == "images":
        return {"images": (*choose_size(files, image_size), 3)}
    if inputs == "grids":
        by_level = grids(files).values()
        return {f"grid_{i}": shape for i, shape in enumerate(by_level, 1)}
    return {"regions": regions_of(_levels(files)[choose_level(files, level)])}


def grid_shape(files: RecordFiles) -> tuple[int, int] | None:
    """Returns `(h, w)` of the grid whose cells are the regions, or None."""
    if files.info.features is None:
        return None
    *_, shape = files.info.features.levels.values()
    grid = grid_of(shape)
    return grid and grid[:2]


def grids(files: RecordFiles) -> dict[str, GridShape]:
    """Returns the shapes of all grids by level, the most cells first.

    Raises:
        UserError: if there are fewer than two, or a level is no grid.
    """
    levels = _levels(files)
    shapes = {name: grid_of(shape) for name, shape in levels.items()}
    found = {name: shape for name, shape in shapes.items() if shape}
    if len(found) < max(2, len(levels)):
        raise UserError(
            f"{files.folder}: the records must be with the grids of two or "
            "more CNN layers, which --levels=NAME,NAME writes. Received: "
            f"{', '.join(f'{n} {s}' for n, s in levels.items())}"
        )
    names = sorted(found, key=lambda n: (-math.prod(found[n][:2]), n))
    return {name: found[name] for name in names}


def choose_level(files: RecordFiles, level: str | None) -> str:
    """Returns the level of "regions": `level`, or the last one for None."""
    levels = _levels(files)
    level = list(levels)[-1] if level is None else level
    if level not in levels:
        raise UserError(
            f"{files.folder}: `level` must be one of {', '.join(levels)}. "
            f"Received: level={level}"
        )
    return level


def choose_size(
    files: RecordFiles, image_size: tuple[int, int] | None
) -> tuple[int, int]:
    """Returns the size of "images": `image_size`, or the CNN's for None."""
    if not files.info.stored_images:
        raise UserError(
            f"{files.folder}: the records must be with images. Received: "
            "records with features only"
        )
    features = files.info.features
    chosen = image_size or (features and features.image_size)
    if chosen is None:
        raise UserError(
            f"{files.folder}: `image_size` must be given, since no CNN has set "
            "one. Received: image_size=None"
        )
    height, width = chosen
    return height, width


def check_choice(name: str, value: object, known: tuple) -> None:
    """Raises a `UserError` if an argument has none of the known values."""
    if value not in known:
        raise UserError(
            f"`{name}` must be one of {', '.join(map(repr, known))}. "
            f"Received: {name}={value!r}"
        )


def _levels(files: RecordFiles) -> Mapping[str, Shape]:
    return files.features().levels
