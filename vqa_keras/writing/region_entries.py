"""Enters region features into their index, one set of features per image."""

from typing import NamedTuple

import numpy as np

from vqa_keras.errors import UserError
from vqa_keras.writing.region_files import RegionFiles
from vqa_keras.writing.region_names import without_ending
from vqa_keras.writing.region_table import Entry
from vqa_keras.writing.region_table import Place
from vqa_keras.writing.region_table import RegionTable
from vqa_keras.writing.regions import Regions


class DroppedRow(NamedTuple):
    """A row of features that belongs to no image.

    Args:
        row: str, `FILE:LINE` or a file.
        reason: "no_image_id", "duplicate_image_id" or a reason of
            `UnreadableFeatures`.
        image_id: str, image_id of the row, or None (default).
    """

    row: str
    reason: str
    image_id: str | None = None


class _Width(NamedTuple):
    """Width and owner of features."""

    channels: int
    name: str  # of the entry
    where: str


class RegionEntries:
    """Enters features, of one width, and keeps one readable entry per name.

    Args:
        table: `RegionTable` to fill.
        files: `RegionFiles`, of all paths.

    Attributes:
        images: int, number of readable entries.
        dropped: list of `DroppedRow`.
    """

    def __init__(self, table: RegionTable, files: RegionFiles):
        self._table = table
        self._files = files
        self.images = 0
        self.dropped: list[DroppedRow] = []
        self._first: _Width | None = None
        # A row of another width; the next row may prove it truncated.
        self._other: _Width | None = None
        self._reasons: dict[str, str] = {}  # {reason: first location}

    @property
    def width(self) -> int | None:
        """C of the features, or None before the first ones."""
        return self._first.channels if self._first else None

    def is_narrow(self, regions: Regions) -> bool:
        """Whether the features have fewer channels than those before."""
        return self.width is not None and (
            regions.features.shape[1] < self.width
        )

    def add_broken(
        self, place: Place, image_id: str | None, reason: str
    ) -> None:
        """Enters the reason why features are unreadable."""
        where = self._files.name(place)
        self._reasons.setdefault(reason, where)
        if image_id is None:
            self.dropped.append(DroppedRow(where, reason))
            return
        entry = Entry(without_ending(image_id), place, reason)
        if self._table.named([entry.name]):
            drop = DroppedRow(where, "duplicate_image_id", image_id)
            self.dropped.append(drop)
        else:
            self._table.put(entry)

    def add(self, place: Place, image_id: str, regions: Regions) -> None:
        """Enters readable features; they replace broken ones.

        Raises:
            UserError: if the image has other features already, or if features
                before have another width.
        """
        entry = Entry(without_ending(image_id), place, None)
        self._check_other(entry.name)
        found = self._table.named([entry.name])
        if found and found[0].reason is None:
            if not self._is_better(entry, regions, found[0], image_id):
                return
        elif found:
            self._drop(found[0], image_id, found[0].reason or "")
        self._table.put(entry)
        self.images += 1
        self._add_width(entry, regions)

    def _is_better(
        self, entry: Entry, regions: Regions, found: Entry, image_id: str
    ) -> bool:
        """Whether features replace readable ones of the same image.

        They do if those are their beginning, hence of a truncated row.
        """
        before = self._files.read(found)
        if _equal(before, regions):
            self._drop(entry, image_id, "duplicate_image_id")
        elif _begins(regions, before):
            self._drop(entry, image_id, "truncated_row")
        elif _begins(before, regions):
            self._drop(found, image_id, "truncated_row")
            self.images -= 1
            self._other = None
            if self._first and self._first.name == found.name:
                self._first = None
            return True
        else:
            raise UserError(
                f"Image {image_id} must have one set of region features. "
                f"Received: {self._files.name(found.place)} and "
                f"{self._files.name(entry.place)}, which differ"
            )
        return False

    def _drop(self, entry: Entry, image_id: str, reason: str) -> None:
        where = self._files.name(entry.place)
        self.dropped.append(DroppedRow(where, reason, image_id))

    def _add_width(self, entry: Entry, regions: Regions) -> None:
        where = f"{self._files.name(entry.place)} (image {entry.name})"
        width = _Width(regions.features.shape[1], entry.name, where)
        self._first = self._first or width
        if width.channels != self._first.channels:
            self._other = width

    def _check_other(self, name: str | None) -> None:
        if self._other and self._first and self._other.name != name:
            raise UserError(
                f"{self._other.where} must have {self._first.channels} "
                f"features per region, as {self._first.where} has. Received: "
                f"{self._other.channels}"
            )

    def finish(self) -> int:
        """Returns the width of all features.

        Raises:
            UserError: if there are none, or some differ in width.
        """
        self._check_other(None)
        if self._first is None:
            reasons = ", ".join(
                f"{reason} (first {where})"
                for reason, where in self._reasons.items()
            )
            raise UserError(
                f"{', '.join(map(str, self._files.paths))} must have the "
                "region features of at least one image. Received: "
                f"{reasons or 'none'}"
            )
        return self._first.channels


def _equal(one: Regions, other: Regions) -> bool:
    return np.array_equal(one.features, other.features) and np.array_equal(
        one.boxes, other.boxes
    )


def _begins(one: Regions, other: Regions) -> bool:
    """Whether the features of one are the beginning of another's."""
    return np.array_equal(one.boxes, other.boxes) and np.array_equal(
        one.features.ravel(), other.features.ravel()[: one.features.size]
    )
