"""Takes fields from a JSON object and refuses those of a wrong type."""

import pathlib
import re
import reprlib
from collections.abc import Callable
from collections.abc import Collection
from typing import Any
from typing import NoReturn
from typing import TypeVar

from vqa_keras.errors import UserError

_SHA256 = re.compile("[0-9a-f]{64}")
_LARGEST = 2**63 - 1  # of int64, which TensorFlow counts in
_LONGEST_NAME = 255  # bytes, of a file

_T = TypeVar("_T")
_short = reprlib.Repr()
_short.maxstring = _short.maxother = 100
_short.maxlist = 20


class JSONFields:
    """The fields of a JSON object, checked when they are taken.

    Args:
        value: the value that must be the object.
        names: the names of its fields, all of them required.
        where: path of the object in the file, such as "splits.train"; "" for
            the whole file.

    Raises:
        UserError: if `value` is no object, or has other fields.
    """

    def __init__(self, value: object, names: Collection[str], where: str = ""):
        self.where = where
        self._values = json_object(value, where)
        if self._values.keys() != set(names):
            fields = f"the fields of `{where}`" if where else "the fields"
            refuse(fields, ", ".join(sorted(names)), sorted(self._values))

    def path(self, name: str) -> str:
        """Returns the path of a field in the file."""
        return f"{self.where}.{name}" if self.where else name

    def value(self, name: str) -> Any:
        """Returns a field unchecked."""
        return self._values[name]

    def optional(self, take: Callable[[str], _T], name: str) -> _T | None:
        """Returns `take(name)`, or None where the field is null."""
        return None if self._values[name] is None else take(name)

    def text(self, name: str) -> str:
        """Returns a text that UTF-8 can write."""
        return json_text(self._values[name], self.path(name))

    def choice(self, name: str, known: Collection[str]) -> str:
        """Returns one of the known texts."""
        value = self._values[name]
        if not isinstance(value, str) or value not in known:
            self.refuse(name, f"one of {', '.join(known)}")
        return value

    def flag(self, name: str) -> bool:
        """Returns a boolean."""
        value = self._values[name]
        if not isinstance(value, bool):
            self.refuse(name, "true or false")
        return value

    def count(self, name: str, least: int = 0) -> int:
        """Returns an integer of at least `least`."""
        return json_count(self._values[name], self.path(name), least)

    def sha256(self, name: str) -> str:
        """Returns a hex sha256."""
        value = self._values[name]
        if not isinstance(value, str) or not _SHA256.fullmatch(value):
            self.refuse(name, "a sha256, 64 hex digits")
        return value

    def file(self, name: str) -> str:
        """Returns the name of a file in the folder, without a path."""
        value = self.text(name)
        plain = (
            value not in ("", ".", "..")
            and value == pathlib.PurePosixPath(value).name
            and value == pathlib.PureWindowsPath(value).name
            and "\0" not in value
            and len(value.encode()) <= _LONGEST_NAME
        )
        if not plain:
            self.refuse(name, "a plain file name")
        return value

    def object(self, name: str) -> dict[str, Any]:
        """Returns a JSON object with any names."""
        return json_object(self._values[name], self.path(name))

    def array(self, name: str) -> list[Any]:
        """Returns a JSON array."""
        value = self._values[name]
        if not isinstance(value, list):
            self.refuse(name, "an array")
        return value

    def refuse(self, name: str, needed: str) -> NoReturn:
        """Raises the UserError of a wrong field."""
        refuse(f"`{self.path(name)}`", needed, self._values[name])


def json_object(value: object, where: str = "") -> dict[str, Any]:
    """Returns a JSON object whose names are texts that UTF-8 can write."""
    if not isinstance(value, dict):
        refuse(f"`{where}`" if where else "the file", "a JSON object", value)
    for name in value:
        json_text(name, where)
    return value


def json_text(value: object, where: str) -> str:
    """Returns a text that UTF-8 can write: JSON has lone surrogates."""
    if not isinstance(value, str):
        refuse(f"`{where}`", "a text", value)
    try:
        value.encode()
    except UnicodeEncodeError:
        refuse(f"`{where}`", "a text of UTF-8", value)
    return value


def json_count(value: object, where: str, least: int = 0) -> int:
    """Returns an integer of at least `least`; JSON's true is none."""
    if type(value) is not int or not least <= value <= _LARGEST:
        needed = f"an integer of at least {least}"
        refuse(f"`{where}`", needed, value)
    return value


def item_path(where: str, name: object) -> str:
    """Returns the path of an item of an object with any names."""
    return f"{where}[{_short.repr(name)}]"


def refuse(what: str, needed: str, received: object) -> NoReturn:
    """Raises the UserError of a wrong value, in one line."""
    raise UserError(
        f"{what} must be {needed}. Received: {_short.repr(received)}"
    )
