"""Shards of records, and splits of shards."""

import dataclasses
import functools
from collections.abc import Iterable
from typing import Any

from vqa_keras.data.json_fields import JSONFields
from vqa_keras.data.json_fields import item_path
from vqa_keras.data.json_fields import refuse


@dataclasses.dataclass(frozen=True)
class Shard:
    """One file of records.

    Args:
        name: file name in the folder.
        images: number of records.
        questions: number of questions in them.
        in_vocabulary: number of questions whose answer is in the vocabulary.
        bytes: size of the file.
        sha256: hex sha256 of the file.
    """

    name: str
    images: int
    questions: int
    in_vocabulary: int
    bytes: int
    sha256: str

    @classmethod
    def from_json(cls, value: object, where: str) -> "Shard":
        """Returns the shard of a parsed JSON object.

        Raises:
            UserError: if a field is wrong; `where` names the object.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        fields = JSONFields(value, names, where)
        shard = cls(
            name=fields.file("name"),
            images=fields.count("images"),
            questions=fields.count("questions"),
            in_vocabulary=fields.count("in_vocabulary"),
            bytes=fields.count("bytes"),
            sha256=fields.sha256("sha256"),
        )
        if shard.in_vocabulary > shard.questions:
            fields.refuse("in_vocabulary", f"at most {shard.questions}")
        if shard.questions and not shard.images:
            fields.refuse("questions", "0, as there is no image")
        return shard


@dataclasses.dataclass(frozen=True)
class Split:
    """The shards of a split, in the order of reading, and their sums."""

    shards: tuple[Shard, ...]

    @classmethod
    def of(cls, shards: Iterable[Shard]) -> "Split":
        """Returns the split of some shards, in the order of their names."""
        return cls(tuple(sorted(shards, key=lambda shard: shard.name)))

    @functools.cached_property
    def images(self) -> int:
        """Number of images."""
        return sum(shard.images for shard in self.shards)

    @functools.cached_property
    def questions(self) -> int:
        """Number of questions."""
        return sum(shard.questions for shard in self.shards)

    @functools.cached_property
    def in_vocabulary(self) -> int:
        """Number of questions whose answer is in the vocabulary."""
        return sum(shard.in_vocabulary for shard in self.shards)

    @functools.cached_property
    def bytes(self) -> int:
        """Size of all shards."""
        return sum(shard.bytes for shard in self.shards)

    @classmethod
    def from_json(cls, value: object, where: str) -> "Split":
        """Returns the split of a parsed JSON object, as `Shard.from_json`.

        Raises:
            UserError: also if a count is not the sum over the shards.
        """
        names = ("images", "questions", "in_vocabulary", "shards")
        fields = JSONFields(value, names, where)
        split = cls(
            tuple(
                Shard.from_json(shard, item_path(f"{where}.shards", i))
                for i, shard in enumerate(fields.array("shards"))
            )
        )
        for name in ("images", "questions", "in_vocabulary"):
            total = getattr(split, name)
            if fields.count(name) != total:
                fields.refuse(name, f"the sum over the shards, {total}")
        return split

    def to_json(self) -> dict[str, Any]:
        """Returns the JSON object of `dataset_info.json`."""
        return {
            "images": self.images,
            "questions": self.questions,
            "in_vocabulary": self.in_vocabulary,
            "shards": [dataclasses.asdict(shard) for shard in self.shards],
        }


def splits_from_json(values: dict[str, Any]) -> dict[str, Split]:
    """Returns `{split: Split}` of a parsed JSON object.

    Raises:
        UserError: as `Split.from_json`, or if two shards have one name.
    """
    splits = {
        name: Split.from_json(value, item_path("splits", name))
        for name, value in values.items()
    }
    names = set()
    for split in splits.values():
        for shard in split.shards:
            if shard.name in names:
                refuse("names of shards", "unique", shard.name)
            names.add(shard.name)
    return splits
