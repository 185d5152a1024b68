"""Reads JSON text and tells where it is wrong."""

import json
import pathlib

from vqa_keras.errors import UserError


def read_json(path):
    """Returns the content of a JSON file.

    Raises:
        UserError: if it cannot be read or is no JSON, with line and column.
    """
    try:
        text = pathlib.Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    return parse_json(text, path)


def parse_json(data, path, line=1):
    """Returns the value of JSON bytes, UTF-8 with or without a byte mark.

    Args:
        data: bytes.
        path: what messages call the source.
        line: int, the line of the source that `data` begins with.

    Raises:
        UserError: if it is no JSON, with line and column.
    """
    try:
        text = data.decode("utf-8-sig")
        value = json.loads(text, parse_constant=_refuse)
    except UnicodeDecodeError as error:
        line += data.count(b"\n", 0, error.start)
        raise UserError(
            f"{path}, line {line}: needed UTF-8 text. Received: {error.reason}"
        ) from error
    except json.JSONDecodeError as error:
        raise UserError(
            f"{path}, line {line + error.lineno - 1}, column {error.colno}: "
            f"needed JSON. Received: {error.msg}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: needed JSON. Received: {error}") from error
    return value


def plain_text(text):
    """Returns `text` as UTF-8 can write it.

    A lone surrogate is valid in JSON, but no text can be written with it.
    """
    return text.encode("utf-8", "replace").decode()


def _refuse(constant):
    raise ValueError(f"the number {constant}")
