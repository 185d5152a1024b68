"""JSON files that state their own hash, and tell of any change."""

import json
import pathlib
from typing import Any
from typing import NoReturn

from vqa_keras.files import write_json
from vqa_keras.json_hash import json_sha256

SHA256 = "sha256"


def write(path: pathlib.Path, values: dict[str, Any]) -> None:
    """Writes an object and its hash, whole or not at all.

    Raises:
        UserError: if a number is not finite, or the disk does not take it.
    """
    values = {key: value for key, value in values.items() if key != SHA256}
    as_read = json.loads(json.dumps(values))
    write_json(path, {**values, SHA256: json_sha256(as_read)})


def read(path: pathlib.Path) -> dict[str, Any]:
    """Returns the object of a file of `write`, without its hash.

    Raises:
        ValueError: if a bit of the file differs; says what, not which file.
        OSError: if it cannot be read.
    """
    values = parse(path.read_bytes())
    if SHA256 not in values:
        raise ValueError("no sha256 of its content")
    return {key: value for key, value in values.items() if key != SHA256}


def parse(data: bytes) -> dict[str, Any]:
    """Parses an object, whose hash may be absent but not wrong.

    Raises:
        ValueError: says what is wrong.
    """
    try:
        text = data.decode()
        values = json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError(str(error)) from error
    if not isinstance(values, dict):
        raise ValueError("no JSON object")
    if SHA256 in values:
        # The hash is of the values; the same ones may be spelt in other ways.
        as_written = json.dumps(values, indent=1) + "\n"
        if text != as_written or values[SHA256] != json_sha256(values):
            raise ValueError("content of another sha256 than it states")
    return values


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"the number {constant}")
