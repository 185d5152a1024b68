"""Scans precomputed region features once and indexes them by image.

`vqa_keras.writing.region_features` documents the files.
"""

import contextlib
import hashlib
import os
import pathlib
import sqlite3
from collections.abc import Iterator
from collections.abc import Sequence
from typing import NamedTuple

from vqa_keras.errors import UserError
from vqa_keras.files import replacing
from vqa_keras.writing.region_arrays import INFO
from vqa_keras.writing.region_entries import DroppedRow
from vqa_keras.writing.region_entries import RegionEntries
from vqa_keras.writing.region_files import RegionFiles
from vqa_keras.writing.region_files import read_file
from vqa_keras.writing.region_rows import parse_header
from vqa_keras.writing.region_rows import parse_row
from vqa_keras.writing.region_rows import start_of_joined_row
from vqa_keras.writing.region_table import Place
from vqa_keras.writing.region_table import RegionTable
from vqa_keras.writing.regions import MAX_BYTES
from vqa_keras.writing.regions import UnreadableFeatures

_CHUNK = 2**20
# First bytes of files that are no tables.
_OTHERS = {
    b"\x89HDF": "an HDF5 file, which examples/hdf5_region_features.py converts",
    b"PK\x03\x04": "a zip archive; .npz files are read by their folder",
    b"\x93NUM": "an .npy file, which is read by its folder",
    b"\x1f\x8b": "a gzip archive, which must be unpacked",
}


class RegionIndex(NamedTuple):
    """An index of region features.

    Args:
        paths: list of str, the indexed tables and folders.
        index_path: str, SQLite file of the index.
    """

    paths: list[str]
    index_path: str


class RegionScan(NamedTuple):
    """Result of a scan of region features.

    Args:
        region_index: `RegionIndex`.
        channels: int, C of the features.
        images: int, number of images that have features.
        sha256: str, hash of the contents of all files, in order.
        dropped: list of `DroppedRow`, rows without a readable image_id, and
            those that another row of the same image replaces.
    """

    region_index: RegionIndex
    channels: int
    images: int
    sha256: str
    dropped: list[DroppedRow]


def index_region_features(
    paths: Sequence[str | os.PathLike[str]],
    index_path: str | os.PathLike[str],
) -> RegionScan:
    """Reads all region features once and indexes their locations by image.

    Memory is constant in the number of images: the index is an SQLite file of
    about 100 bytes per image.

    Args:
        paths: list of tables and folders. Files in subfolders are included.
        index_path: str or path, file to write; replaces an existing file.

    Returns:
        `RegionScan`. A row with an image_id but unreadable features is not in
        `dropped` unless another row replaces it: `RegionFeatures.read` raises
        its reason for that image, so that it counts once.

    Raises:
        UserError: if a path is neither, features differ in width, an image has
            two different ones, or no image has features.
    """
    index_path = pathlib.Path(index_path)
    with replacing(index_path) as temporary:
        with contextlib.closing(sqlite3.connect(temporary)) as database:
            scan = _Scan(database, paths)
            with contextlib.closing(scan):
                digests = [scan.path(number) for number in range(len(paths))]
            channels = scan.entries.finish()
            database.commit()
    combined = "".join(f"{digest}\n" for digest in digests)
    return RegionScan(
        RegionIndex(list(map(str, paths)), str(index_path)),
        channels,
        images=scan.entries.images,
        sha256=hashlib.sha256(combined.encode()).hexdigest(),
        dropped=scan.entries.dropped,
    )


class _Scan:
    """Reads tables and folders, and enters their features."""

    def __init__(
        self,
        database: sqlite3.Connection,
        paths: Sequence[str | os.PathLike[str]],
    ):
        self._paths = [pathlib.Path(path) for path in paths]
        table = RegionTable(database)
        table.create()
        for path in self._paths:
            if not path.is_dir():
                _check_table(path)
        files = RegionFiles(paths)
        self.close = files.close
        self.entries = RegionEntries(table, files)
        self._item_size: int | None = None  # of the last row

    def path(self, number: int) -> str:
        """Enters the features of a path and returns the hash of its content."""
        if self._paths[number].is_dir():
            return self._folder(number, self._paths[number])
        return self._table(number, self._paths[number])

    def _table(self, number: int, path: pathlib.Path) -> str:
        hasher = hashlib.sha256()
        layout = None
        start = 0
        for line, (row, length) in enumerate(_rows(path, hasher), 1):
            # Concatenated tables have a header in the middle.
            if header := parse_header(row, f"{path}:{line}"):
                layout = header
            elif row.strip():
                self._row(Place(number, start, length, line, layout), row)
            start += length
        return hasher.hexdigest()

    def _row(self, place: Place, row: bytes) -> None:
        try:
            if len(row) > MAX_BYTES:
                image_id = (
                    row[:1024].partition(b"\t")[0].decode("utf-8", "replace")
                )
                raise UnreadableFeatures("too_large", image_id)
            parsed = parse_row(row, place.layout, self._item_size)
            if not row.endswith(b"\n") and self.entries.is_narrow(
                parsed.regions
            ):
                raise UnreadableFeatures("truncated_row", parsed.image_id)
        except UnreadableFeatures as error:
            self.entries.add_broken(place, error.image_id, error.reason)
            start = None
            if error.reason == "damaged_row":
                start = start_of_joined_row(row, place.layout)
            if start is not None and place.start is not None:
                joined = place._replace(
                    start=place.start + start, length=len(row) - start
                )
                self._row(joined, row[start:])
        else:
            self._item_size = parsed.item_size
            place = place._replace(
                layout=parsed.layout, item_size=parsed.item_size
            )
            self.entries.add(place, parsed.image_id, parsed.regions)

    def _folder(self, number: int, path: pathlib.Path) -> str:
        hasher = hashlib.sha256()
        for file in sorted(path.rglob("*.np[yz]")):
            name = file.relative_to(path).as_posix()
            place = Place(number, path=name)
            digest = ""
            try:
                with open(file, "rb") as content:
                    digest = hashlib.file_digest(content, "sha256").hexdigest()
                if not _is_info(file):
                    self.entries.add(place, file.stem, read_file(file))
            except OSError:
                self.entries.add_broken(place, file.stem, "unreadable_file")
            except UnreadableFeatures as error:
                self.entries.add_broken(place, file.stem, error.reason)
            hasher.update(f"{name} {digest}\n".encode("utf-8", "replace"))
        return hasher.hexdigest()


def _is_info(file: pathlib.Path) -> bool:
    features = file.name.removesuffix(INFO) + ".npy"
    return file.name.endswith(INFO) and file.with_name(features).exists()


def _check_table(path: pathlib.Path) -> None:
    with _naming(path), open(path, "rb") as file:
        start = file.read(4)
    for other, received in _OTHERS.items():
        if start.startswith(other):
            raise UserError(_refused(path, received))


@contextlib.contextmanager
def _naming(path: pathlib.Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(_refused(path, error.strerror)) from error


def _refused(path: pathlib.Path, received: str | None) -> str:
    return (
        f"{path} must be a table of region features, or a folder of .npz or "
        f".npy files. Received: {received}"
    )


def _rows(
    path: pathlib.Path, hasher: "hashlib._Hash"
) -> Iterator[tuple[bytes, int]]:
    """Yields each line, cut if too long, and its length in the file."""
    with _naming(path), open(path, "rb") as file:
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
