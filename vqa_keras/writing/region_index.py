"""Scans precomputed region features once and indexes them by image.

`vqa_keras.writing.region_rows` documents the formats of the files.
"""

import contextlib
import hashlib
import os
import pathlib
import sqlite3
from collections.abc import Iterator
from collections.abc import Sequence
from typing import BinaryIO
from typing import NamedTuple

import numpy as np

from vqa_keras.errors import UserError
from vqa_keras.files import replacing
from vqa_keras.writing.region_rows import COLUMNS
from vqa_keras.writing.region_rows import MAX_BYTES
from vqa_keras.writing.region_rows import UnreadableFeatures
from vqa_keras.writing.region_rows import parse_row
from vqa_keras.writing.region_rows import read_npz

_CHUNK = 2**20
_SCHEMA = """
CREATE TABLE regions (
    image_id TEXT PRIMARY KEY,
    file INTEGER,
    start INTEGER,
    length INTEGER,
    path TEXT,
    reason TEXT
) WITHOUT ROWID
"""


class RegionIndex(NamedTuple):
    """An index of region features.

    Args:
        paths: list of str, the indexed .tsv files and folders of .npz files.
        index_path: str, SQLite file of the index.
    """

    paths: list[str]
    index_path: str


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


class RegionScan(NamedTuple):
    """Result of a scan of region features.

    Args:
        region_index: `RegionIndex`.
        channels: int, C of the features.
        images: int, number of images that have features.
        sha256: str, hash of the contents of all files, in order.
        dropped: list of `DroppedRow`, rows without a readable image_id or with
            a duplicate one.
    """

    region_index: RegionIndex
    channels: int
    images: int
    sha256: str
    dropped: list[DroppedRow]


class Place(NamedTuple):
    """Location of an image's features; columns 2 to 5 of the index.

    Args:
        file: int, index in `RegionIndex.paths`.
        start: int, byte offset of the row in the .tsv file, or None (default).
        length: int, bytes of the row, or None (default).
        path: str, .npz file below the folder, or None (default).
    """

    file: int
    start: int | None = None
    length: int | None = None
    path: str | None = None


def index_region_features(
    paths: Sequence[str | os.PathLike[str]],
    index_path: str | os.PathLike[str],
) -> RegionScan:
    """Reads all region features once and indexes their locations by image.

    Memory is constant in the number of images: the index is an SQLite file of
    about 50 bytes per image.

    Args:
        paths: list of .tsv files and folders of .npz files. Files in subfolders
            are included; their names are the image_id or the name of the image
            file (`COCO_train2014_000000000009.npz`).
        index_path: str or path, file to write; replaces an existing file.

    Returns:
        `RegionScan`. A row with an image_id but unreadable features is not in
        `dropped`: `RegionFeatures.read` raises its reason for that image, so
        that it counts once.

    Raises:
        UserError: if a path is neither, features differ in width, or no image
            has features.
    """
    index_path = pathlib.Path(index_path)
    with replacing(index_path) as temporary:
        with contextlib.closing(sqlite3.connect(temporary)) as database:
            scan = _Scan(database)
            for number, path in enumerate(paths):
                if pathlib.Path(path).is_dir():
                    scan.folder(number, pathlib.Path(path))
                else:
                    scan.tsv(number, pathlib.Path(path))
            database.commit()
        names = list(map(str, paths))
        return scan.result(RegionIndex(names, str(index_path)))


class _Scan:
    """Fills the index, file by file."""

    def __init__(self, database: sqlite3.Connection):
        database.executescript(_SCHEMA)
        self._database = database
        self._digests: list[str] = []
        self._images = 0
        self._dropped: list[DroppedRow] = []
        # Width and location of the first features.
        self._first: tuple[int, str] | None = None
        self._reasons: dict[str, str] = {}  # {reason: first location}

    def tsv(self, number: int, path: pathlib.Path) -> None:
        """Adds the rows of a .tsv file."""
        hasher = hashlib.sha256()
        try:
            with open(path, "rb") as file:
                start = 0
                for line, (row, length) in enumerate(_rows(file, hasher), 1):
                    if not (line == 1 and row.split() == list(COLUMNS)):
                        place = Place(number, start, length)
                        self._row(f"{path}:{line}", place, row)
                    start += length
        except OSError as error:
            raise UserError(
                f"{path} must be a .tsv file of region features, or a folder "
                f"of .npz files. Received: {error.strerror}"
            ) from error
        self._digests.append(hasher.hexdigest())

    def _row(self, name: str, place: Place, row: bytes) -> None:
        if not row.strip():
            return  # an empty line
        try:
            if len(row) > MAX_BYTES:
                image_id = (
                    row[:1024].partition(b"\t")[0].decode("utf-8", "replace")
                )
                raise UnreadableFeatures("too_large", image_id)
            image_id, (features, _, _) = parse_row(row)
            if not row.endswith(b"\n") and self._is_narrow(features):
                raise UnreadableFeatures("truncated_row", image_id)
        except UnreadableFeatures as error:
            self._add(name, error.image_id, place, None, error.reason)
        else:
            self._add(name, image_id, place, features, None)

    def folder(self, number: int, path: pathlib.Path) -> None:
        """Adds the .npz files of a folder."""
        hasher = hashlib.sha256()
        for file in sorted(path.rglob("*.npz")):
            name = file.relative_to(path).as_posix()
            reason = features = None
            digest = ""
            try:
                with open(file, "rb") as content:
                    digest = hashlib.file_digest(content, "sha256").hexdigest()
                features = read_npz(file).features
            except OSError:
                reason = "unreadable_file"
            except UnreadableFeatures as error:
                reason = error.reason
            hasher.update(f"{name} {digest}\n".encode("utf-8", "replace"))
            place = Place(number, path=name)
            self._add(str(file), file.stem, place, features, reason)
        self._digests.append(hasher.hexdigest())

    def _is_narrow(self, features: np.ndarray) -> bool:
        return self._first is not None and features.shape[1] < self._first[0]

    def _add(
        self,
        name: str,
        image_id: str | None,
        place: Place,
        features: np.ndarray | None,
        reason: str | None,
    ) -> None:
        if reason is not None:
            self._reasons.setdefault(reason, name)
        if image_id is None:
            self._dropped.append(DroppedRow(name, reason or "no_image_id"))
            return
        added = self._database.execute(
            "INSERT OR IGNORE INTO regions VALUES (?, ?, ?, ?, ?, ?)",
            (image_id, *place, reason),
        ).rowcount
        if not added:
            drop = DroppedRow(name, "duplicate_image_id", image_id)
            self._dropped.append(drop)
        elif features is not None:
            self._images += 1
            self._check_width(features.shape[1], f"{name} (image {image_id})")

    def _check_width(self, width: int, name: str) -> None:
        self._first = self._first or (width, name)
        if width != self._first[0]:
            raise UserError(
                f"{name} must have {self._first[0]} features per region, as "
                f"{self._first[1]} has. Received: {width}"
            )

    def result(self, index: RegionIndex) -> RegionScan:
        """Returns the `RegionScan`; raises a `UserError` without features."""
        if self._first is None:
            reasons = ", ".join(
                f"{reason} (first {name})"
                for reason, name in self._reasons.items()
            )
            raise UserError(
                f"{', '.join(index.paths)} must have the region features of at "
                f"least one image. Received: {reasons or 'none'}"
            )
        digests = "".join(f"{digest}\n" for digest in self._digests)
        return RegionScan(
            index,
            channels=self._first[0],
            images=self._images,
            sha256=hashlib.sha256(digests.encode()).hexdigest(),
            dropped=self._dropped,
        )


def _rows(
    file: BinaryIO, hasher: "hashlib._Hash"
) -> Iterator[tuple[bytes, int]]:
    """Yields each line, cut if too long, and its length in the file."""
    while row := file.readline(MAX_BYTES + 1):
        hasher.update(row)
        length = len(row)
        while len(row) > MAX_BYTES and not row.endswith(b"\n"):
            rest = file.readline(_CHUNK)
            hasher.update(rest)
            length += len(rest)
            if not rest or rest.endswith(b"\n"):
                break
        yield row, length
