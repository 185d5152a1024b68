"""Describes the features of records: their source and their shapes."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from vqa_keras.data.json_fields import JSONFields
from vqa_keras.data.json_fields import item_path
from vqa_keras.data.json_fields import json_count
from vqa_keras.data.json_fields import refuse

CNN = "cnn"
FILES = "files"
DTYPES = ("float16", "bfloat16")

Shape = tuple[int | None, ...]
GridShape = tuple[int, int, int]


@dataclasses.dataclass(frozen=True)
class Features:
    """Describes the features of records: their source and their shapes.

    Args:
        source: "cnn", or "files" for precomputed features.
        name: name of the CNN, or of the files.
        weights_sha256: hex sha256 of the CNN's weights, or of the files.
        levels: `{level: shape}` in the order of the CNN's layers. A shape is
            `(h, w, C)`, or `(M, C)`, M None if it varies from image to image.
        dtype: "float16" or "bfloat16", how they are stored.
        file: name of the CNN's `.keras` file; None for files.
        image_size: `(height, width)` that the CNN takes; None for files.
        weights: "imagenet", "none" or the name of the file that the CNN's
            weights came from; None for files, or if unknown.
        pool: see `vqa_keras.image_encoders.pool_and_normalize`.
        l2_normalize: see there.
    """

    source: str
    name: str
    weights_sha256: str
    levels: Mapping[str, Shape]
    dtype: str = "float16"
    file: str | None = None
    image_size: tuple[int, int] | None = None
    weights: str | None = None
    pool: int | None = None
    l2_normalize: bool = False

    @classmethod
    def from_json(cls, value: object) -> "Features":
        """Returns the features of a parsed JSON object.

        Raises:
            UserError: if a field is wrong.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        fields = JSONFields(value, names, "features")
        source = fields.choice("source", (CNN, FILES))
        of_a_cnn = source == CNN
        if not of_a_cnn:
            for name in ("file", "image_size", "weights", "pool"):
                if fields.value(name) is not None:
                    fields.refuse(name, "null for features from files")
        return cls(
            source=source,
            name=fields.text("name"),
            weights_sha256=fields.sha256("weights_sha256"),
            levels=_levels(fields),
            dtype=fields.choice("dtype", DTYPES),
            file=fields.file("file") if of_a_cnn else None,
            image_size=_image_size(fields) if of_a_cnn else None,
            weights=fields.optional(fields.text, "weights"),
            pool=fields.optional(lambda name: fields.count(name, 1), "pool"),
            l2_normalize=fields.flag("l2_normalize"),
        )

    def to_json(self) -> dict[str, Any]:
        """Returns the JSON object of `dataset_info.json`."""
        return {
            **dataclasses.asdict(self),
            "levels": {name: list(size) for name, size in self.levels.items()},
            "image_size": self.image_size and list(self.image_size),
        }


def _image_size(fields: JSONFields) -> tuple[int, int]:
    sizes = fields.array("image_size")
    if len(sizes) != 2:
        fields.refuse("image_size", "[height, width]")
    where = fields.path("image_size")
    height, width = (json_count(size, where, 1) for size in sizes)
    return height, width


def _levels(fields: JSONFields) -> dict[str, Shape]:
    levels = fields.object("levels")
    if not levels:
        fields.refuse("levels", "an object with a level or more")
    return {
        level: _shape(level, shape, fields.path("levels"))
        for level, shape in levels.items()
    }


def _shape(level: str, shape: Any, where: str) -> Shape:
    if not level or "/" in level:
        refuse(f"names in `{where}`", "texts without /", level)
    where = item_path(where, level)
    if not isinstance(shape, list) or len(shape) not in (2, 3):
        refuse(f"`{where}`", "[h, w, C] or [M, C]", shape)
    if len(shape) == 2 and shape[0] is None:
        return None, json_count(shape[1], where, 1)
    return tuple(json_count(size, where, 1) for size in shape)


def grid_of(shape: Shape) -> GridShape | None:
    """Returns `(h, w, C)`, or None for the shape of regions."""
    sizes = _known(shape)
    if len(sizes) != 3:
        return None
    height, width, channels = sizes
    return height, width, channels


def regions_of(shape: Shape) -> tuple[int | None, int]:
    """Returns `(M, C)`: the cells of a grid are regions in raster order."""
    *places, channels = _known(shape)
    return (math.prod(places) if None not in shape else None), channels


def _known(shape: Shape) -> list[int]:
    return [size for size in shape if size is not None]
