"""Reads checked rows of the official JSON files, as a stream."""

import pathlib
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any
from typing import NoReturn

from vqa_keras.errors import UserError
from vqa_keras.files import plain_text
from vqa_keras.files import read_json


def items(path: pathlib.Path, key: str) -> Iterator[Mapping[str, Any]]:
    """Yields the objects of the list `key`; memory holds one of them."""
    # Here: the readers of other data work without the package.
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
            for row in ijson.items(file, f"{key}.item"):
                if not isinstance(row, dict):
                    refuse(path, f"the list {key}", "objects", row)
                yield row
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    except ijson.JSONError as error:
        read_json(path)  # Its error names line and column.
        raise UserError(f"{path} must be JSON. Received: {error}") from error


def whole(
    path: pathlib.Path, row: Mapping[str, Any], key: str, place: object
) -> int:
    """Returns a whole number of a row, at least 0."""
    value = row.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        refuse(path, place, f"{key}, a whole number", row)
    return value


def text(
    path: pathlib.Path, row: Mapping[str, Any], key: str, place: str
) -> str:
    """Returns a text of a row."""
    if not isinstance(row.get(key), str):
        refuse(path, place, f"{key}, a text", row)
    return row[key]


def answers(
    path: pathlib.Path, row: Mapping[str, Any], place: str
) -> list[str]:
    """Returns the answers of an annotation, one for each annotator."""
    rows = row.get("answers")
    if not isinstance(rows, list) or not rows:
        refuse(path, place, "answers", row)
    if not all(isinstance(answer, dict) for answer in rows):
        refuse(path, place, "answers", row)
    return [plain_text(text(path, a, "answer", place)) for a in rows]


def refuse(
    path: pathlib.Path, place: object, needed: str, received: object
) -> NoReturn:
    """Raises the `UserError` of a row that lacks something."""
    raise UserError(
        f"{path}, {str(place)[:100]}: must have {needed}. Received: "
        f"{str(received)[:200]}"
    )
