"""Reads checked rows of the official JSON files, as a stream."""

import pathlib
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any
from typing import BinaryIO
from typing import NoReturn

from vqa_keras.errors import UserError
from vqa_keras.files import plain_text
from vqa_keras.files import read_json


def items(path: pathlib.Path, key: str = "") -> Iterator[Mapping[str, Any]]:
    """Yields the objects of the list `key` of a JSON file.

    Memory holds one object at a time.

    Args:
        path: `pathlib.Path` of the file.
        key: str, key of the list in the top-level object. Defaults to "": the
            list is the top level.

    Raises:
        UserError: if the file cannot be read or is not JSON, if an item is not
            an object, or if the package ijson is not installed.
    """
    place = f"the list {key}" if key else "the list"
    prefix = f"{key}.item" if key else "item"
    for row in _stream(path, lambda ijson, file: ijson.items(file, prefix)):
        if not isinstance(row, dict):
            refuse(path, place, "objects", row)
        yield row


def keyed_items(
    path: pathlib.Path,
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yields the keys and objects of the top-level object of a JSON file.

    Memory holds one object at a time.

    Args:
        path: `pathlib.Path` of the file.

    Raises:
        UserError: as `items`.
    """
    for key, row in _stream(path, lambda ijson, file: ijson.kvitems(file, "")):
        if not isinstance(row, dict):
            refuse(path, f"question {key}", "an object", row)
        yield key, row


def _stream(
    path: pathlib.Path, parse: Callable[[Any, BinaryIO], Iterable[Any]]
) -> Iterator[Any]:
    # Imported here: readers of other formats work without the package.
    try:
        import ijson
    except ImportError as error:
        raise UserError(
            f"The package ijson must be installed to read {path}. Received: "
            "no such package; run `pip install vqa-keras[pipelines]`"
        ) from error
    try:
        with open(path, "rb") as file:
            if file.read(3) != b"\xef\xbb\xbf":
                file.seek(0)
            yield from parse(ijson, file)
    except OSError as error:
        raise UserError(
            f"{path} must be a readable file. Received: {error.strerror}"
        ) from error
    except ijson.JSONError as error:
        read_json(path)  # Its error names line and column.
        raise UserError(f"{path} must be JSON. Received: {error}") from error


def integer(
    path: pathlib.Path, row: Mapping[str, Any], key: str, place: object
) -> int:
    """Returns the integer `row[key]`; refuses other types and values below 0.

    Args:
        path: `pathlib.Path` of the file, for the error message.
        row: dict, an object of the file.
        key: str.
        place: location in the file, for the error message.
    """
    value = row.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        refuse(path, place, f"`{key}`, an integer of at least 0", row)
    return value


def string(
    path: pathlib.Path, row: Mapping[str, Any], key: str, place: str
) -> str:
    """Returns the string `row[key]`; the arguments are those of `integer`."""
    if not isinstance(row.get(key), str):
        refuse(path, place, f"`{key}`, a string", row)
    return row[key]


def answers(
    path: pathlib.Path, row: Mapping[str, Any], place: str
) -> list[str]:
    """Returns the answers of an annotation, one per annotator."""
    rows = row.get("answers")
    if (
        not isinstance(rows, list)
        or not rows
        or not all(isinstance(answer, dict) for answer in rows)
    ):
        refuse(path, place, "`answers`, a list of at least one object", row)
    return [plain_text(string(path, a, "answer", place)) for a in rows]


def refuse(
    path: pathlib.Path, place: object, required: str, received: object
) -> NoReturn:
    """Raises a `UserError` for a row that lacks `required`."""
    raise UserError(
        f"{path}, {str(place)[:100]}: must have {required}. Received: "
        f"{str(received)[:200]}"
    )
