"""Shapes of the features that records hold of every image."""

import math

from vqa_keras.data.dataset_info import DatasetInfo
from vqa_keras.errors import UserError

INPUTS = ("regions", "grids", "images")

Shape = tuple[int | None, ...]


def feature_shapes(
    info: DatasetInfo,
    inputs: str,
    level: str | None = None,
    image_size: tuple[int, int] | None = None,
) -> dict[str, Shape]:
    """Returns the shape of each image input of `load`, without the batch axis.

    Args:
        info: `DatasetInfo` of the records.
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
        return {"images": (*choose_size(info, image_size), 3)}
    if inputs == "grids":
        shapes = grids(info).values()
        return {f"grid_{i}": shape for i, shape in enumerate(shapes, 1)}
    *places, channels = _levels(info)[choose_level(info, level)]
    num_regions = None if None in places else math.prod(places)
    return {"regions": (num_regions, channels)}


def grid_shape(info: DatasetInfo) -> tuple[int, int] | None:
    """Returns `(h, w)` of the grid whose cells are the regions, or None."""
    if info.image_encoder is None or not info.image_encoder["levels"]:
        return None
    *_, shape = info.image_encoder["levels"].values()
    return tuple(shape[:2]) if _is_grid(shape) else None


def grids(info: DatasetInfo) -> dict[str, Shape]:
    """Returns the shapes of all grids by level, the most cells first.

    Raises:
        UserError: if there are less than two, or a level is no grid.
    """
    levels = _levels(info)
    found = {n: tuple(s) for n, s in levels.items() if _is_grid(s)}
    if len(found) < max(2, len(levels)):
        raise UserError(
            f"{info.directory}: needed records with the grids of two or more "
            "CNN layers, which --levels=NAME,NAME writes. Received: "
            f"{', '.join(f'{n} {s}' for n, s in levels.items())}"
        )
    names = sorted(found, key=lambda n: (-math.prod(found[n][:2]), n))
    return {name: found[name] for name in names}


def choose_level(info: DatasetInfo, level: str | None) -> str:
    """Returns the level of "regions": `level`, or the last one for None."""
    levels = _levels(info)
    level = list(levels)[-1] if level is None else level
    if level not in levels:
        raise UserError(
            f"{info.directory}: needed one of the levels {', '.join(levels)}. "
            f"Received: {level}"
        )
    return level


def choose_size(
    info: DatasetInfo, image_size: tuple[int, int] | None
) -> tuple[int, int]:
    """Returns the size of "images": `image_size`, or the CNN's for None."""
    if not info.stored_images:
        raise UserError(
            f"{info.directory}: needed records that hold the images. Received: "
            "records of features only"
        )
    if image_size is None and info.image_encoder is None:
        raise UserError(
            f"{info.directory}: needed `image_size`, since no CNN has set one. "
            "Received: None"
        )
    return tuple(image_size or info.image_encoder["image_size"])


def check_choice(name: str, value: object, known: tuple) -> None:
    """Raises a `UserError` if an argument has none of the known values."""
    if value not in known:
        raise UserError(
            f"needed `{name}` to be one of {', '.join(map(repr, known))}. "
            f"Received: {name}={value!r}"
        )


def _levels(info):
    if info.image_encoder is None:
        raise UserError(
            f"{info.directory}: needed records with features of a CNN. "
            'Received: records without; read pixels with inputs="images"'
        )
    return info.image_encoder["levels"]


def _is_grid(shape):
    return len(shape) == 3 and None not in shape
