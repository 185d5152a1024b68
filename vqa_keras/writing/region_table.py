"""The index of region features: a table of their locations by name."""

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from vqa_keras.writing.region_names import number_of
from vqa_keras.writing.region_rows import Layout

_SCHEMA = """
CREATE TABLE regions (
    name TEXT PRIMARY KEY,
    file INTEGER,
    start INTEGER,
    length INTEGER,
    line INTEGER,
    layout TEXT,
    item_size INTEGER,
    path TEXT,
    reason TEXT,
    number TEXT
) WITHOUT ROWID;
CREATE INDEX numbers ON regions (number) WHERE number IS NOT NULL;
"""
_COLUMNS = "name, file, start, length, line, layout, item_size, path, reason"
_MAX_OF_A_NUMBER = 100


class Place(NamedTuple):
    """Location of an image's features.

    Args:
        file: int, index in `RegionIndex.paths`.
        start: int, byte offset of the row in the table, or None (default).
        length: int, bytes of the row, or None (default).
        line: int, number of the line, or None (default).
        layout: `Layout` of the row, or None (default).
        item_size: int, bytes per value of the features in the row, or None
            (default).
        path: str, .npz or .npy file below the folder, or None (default).
    """

    file: int
    start: int | None = None
    length: int | None = None
    line: int | None = None
    layout: Layout | None = None
    item_size: int | None = None
    path: str | None = None


class Entry(NamedTuple):
    """An entry of the index.

    Args:
        name: str, image_id or name of the file, without endings.
        place: `Place`.
        reason: str, a reason of `UnreadableFeatures`, or None for readable
            features.
    """

    name: str
    place: Place
    reason: str | None


class RegionTable:
    """Entries by their names and by the numbers in them.

    Args:
        database: SQLite connection.
    """

    def __init__(self, database: sqlite3.Connection):
        self._database = database

    def create(self) -> None:
        """Creates the empty table."""
        self._database.executescript(_SCHEMA)

    def put(self, entry: Entry) -> None:
        """Adds an entry, or replaces the one of the same name."""
        place = entry.place
        layout = place.layout and " ".join(map(str, place.layout))
        self._database.execute(
            f"REPLACE INTO regions ({_COLUMNS}, number) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                entry.name,
                *place._replace(layout=layout),
                entry.reason,
                number_of(entry.name),
            ),
        )

    def named(self, names: Iterable[str]) -> list[Entry]:
        """Returns the entries of names."""
        return [entry for name in names for entry in self._where("name", name)]

    def numbered(self, numbers: Iterable[str]) -> list[Entry]:
        """Returns the entries with one of the numbers in their names.

        A number of more than 100 entries identifies no image and is left out.
        """
        entries = []
        for number in numbers:
            found = self._where("number", number)
            if len(found) <= _MAX_OF_A_NUMBER:
                entries += found
        return entries

    def _where(self, column: str, value: str) -> list[Entry]:
        rows = self._database.execute(
            f"SELECT {_COLUMNS} FROM regions WHERE {column} = ? "
            f"LIMIT {_MAX_OF_A_NUMBER + 1}",
            (value,),
        )
        return [_entry(*row) for row in rows]


def _entry(
    name: str,
    file: int,
    start: int | None,
    length: int | None,
    line: int | None,
    layout: str | None,
    item_size: int | None,
    path: str | None,
    reason: str | None,
) -> Entry:
    columns = Layout(*map(int, layout.split())) if layout else None
    place = Place(file, start, length, line, columns, item_size, path)
    return Entry(name, place, reason)
