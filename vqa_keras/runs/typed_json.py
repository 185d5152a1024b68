"""Reads parsed JSON into dataclasses and writes them: their types are checked.

A field is a key of the JSON object, in the order of the class. A field with the
default None is left out where it is None; any other None is null. The fields of
an `INLINE` object are keys beside the others; where that object is None, its
first field is null and the others are left out. A `NO_KEY` field is not JSON.
"""

import dataclasses
import reprlib
import types
import typing
from typing import Annotated
from typing import Any
from typing import NamedTuple
from typing import TypeVar

from vqa_keras.errors import UserError


class Range(NamedTuple):
    """The lowest and the highest number that a field may hold."""

    low: float
    high: float = float("inf")


# Means of float32 numbers may exceed 100 % by their rounding.
_ROUNDING = 1e-3
Count = Annotated[int, Range(0)]
Seconds = Annotated[float, Range(0)]
Fraction = Annotated[float, Range(0, 1)]
Percent = Annotated[float, Range(0, 100)]

T = TypeVar("T")
INLINE = types.MappingProxyType({"inline": True})
NO_KEY = types.MappingProxyType({"no_key": True})
_KINDS = {
    str: "a string",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
}


def keys(kind: type) -> list[str]:
    """Returns the JSON keys of a dataclass, those of its inline fields too."""
    found = []
    hints = _hints(kind)
    for field in _fields(kind):
        if _is_inline(field):
            found += keys(_without_none(hints[field.name])[0])
        else:
            found.append(field.name)
    return found


def read(kind: type[T], value: Any, source: str) -> T:
    """Returns parsed JSON as an object of a dataclass.

    Args:
        kind: the dataclass. Its fields are of `str`, `bool`, `int`, `float`
            (where an int is taken too), one of these two `Annotated` by a
            `Range`, a `Literal`, a `TypedDict`, a dataclass, `list` or `dict`
            of one of these, `Any`, or one of these `| None`.
        value: the parsed JSON.
        source: what messages call its source, such as a path.

    Raises:
        UserError: if a key is missing or unknown, or its value is of another
            type or outside the range, with the key.
    """
    return _read(kind, value, source, "")


def write(value: Any) -> Any:
    """Returns a dataclass object, or what holds some, as JSON values."""
    if isinstance(value, dict):
        return {key: write(item) for key, item in value.items()}
    if isinstance(value, list):
        return [write(item) for item in value]
    if not dataclasses.is_dataclass(value):
        return value
    values = {}
    for field in _fields(type(value)):
        item = getattr(value, field.name)
        if _is_inline(field):
            values |= write(item) if item else {_first_key(value, field): None}
        elif item is not None or field.default is not None:
            values[field.name] = write(item)
    return values


def _read(kind: Any, value: Any, source: str, name: str) -> Any:
    kind, optional = _without_none(kind)
    if kind is Any or (optional and value is None):
        return value
    if typing.get_origin(kind) is Annotated:
        base, limits = typing.get_args(kind)
        value = _read(base, value, source, name)
        _check_range(limits, value, source, name)
        return value
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        _check(isinstance(value, dict), kind, value, source, name)
        _check_known(keys(kind), value, source, name)
        return _read_fields(kind, value, source, name)
    if typing.is_typeddict(kind):
        _check(isinstance(value, dict), kind, value, source, name)
        for key, hint in _hints(kind).items():
            _read_key(hint, value, key, source, name)
        return value
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        known = value in arguments if isinstance(value, str) else False
        _check(known, kind, value, source, name)
    elif origin is list:
        _check(isinstance(value, list), kind, value, source, name)
        return [
            _read(arguments[0], item, source, f"{name}[{i}]")
            for i, item in enumerate(value)
        ]
    elif origin is dict:
        _check(isinstance(value, dict), kind, value, source, name)
        return {
            key: _read(arguments[1], item, source, _inside(name, key))
            for key, item in value.items()
        }
    else:
        expected = (int, float) if kind is float else kind
        right = isinstance(value, expected)
        right = right and isinstance(value, bool) == (kind is bool)
        _check(right, kind, value, source, name)
    return value


def _read_fields(kind: Any, values: dict, source: str, name: str) -> Any:
    hints = _hints(kind)
    arguments = {}
    for field in _fields(kind):
        hint, optional = _without_none(hints[field.name])
        if _is_inline(field):
            first = keys(hint)[0]
            is_none = optional and values.get(first, first) is None
            arguments[field.name] = (
                None if is_none else _read_fields(hint, values, source, name)
            )
        elif field.name in values or field.default is dataclasses.MISSING:
            arguments[field.name] = _read_key(
                hints[field.name], values, field.name, source, name
            )
    return kind(**arguments)


def _read_key(kind: Any, values: dict, key: str, source: str, name: str) -> Any:
    name = _inside(name, key)
    if key not in values:
        raise UserError(
            f"{source}: {name} must be {_described(kind)}. Received: nothing"
        )
    return _read(kind, values[key], source, name)


def _check(right: bool, kind: Any, value: Any, source: str, name: str) -> None:
    if not right:
        raise UserError(
            f"{source}: {name or 'the content'} must be {_described(kind)}. "
            f"Received: {reprlib.repr(value)}"
        )


def _check_range(limits: Range, value: float, source: str, name: str) -> None:
    low, high = limits
    if not low - _ROUNDING <= value <= high + _ROUNDING:
        highest = f" to {high:g}" if high < float("inf") else " or more"
        raise UserError(
            f"{source}: {name} must be {low:g}{highest}. Received: {value!r}"
        )


def _check_known(
    known: list[str], values: dict, source: str, name: str
) -> None:
    for key in values:
        if key not in known:
            raise UserError(
                f"{source}: {name or 'the content'} must hold "
                f"{', '.join(known)}. Received: {reprlib.repr(key)}"
            )


def _described(kind: Any) -> str:
    kind, optional = _without_none(kind)
    if typing.get_origin(kind) is Annotated:
        kind = typing.get_args(kind)[0]
    if typing.get_origin(kind) is typing.Literal:
        text = f"one of {', '.join(typing.get_args(kind))}"
    else:
        text = _KINDS.get(typing.get_origin(kind) or kind, "an object")
    return f"{text} or null" if optional else text


def _without_none(kind: Any) -> tuple[Any, bool]:
    """The type without `| None`, and whether it had that."""
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        (kind,) = set(typing.get_args(kind)) - {types.NoneType}
        return kind, True
    return kind, False


def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind, include_extras=True)


def _fields(kind: type) -> list[dataclasses.Field]:
    known = dataclasses.fields(kind)
    return [field for field in known if "no_key" not in field.metadata]


def _is_inline(field: dataclasses.Field) -> bool:
    return "inline" in field.metadata


def _first_key(value: Any, field: dataclasses.Field) -> str:
    hint = _hints(type(value))[field.name]
    return keys(_without_none(hint)[0])[0]


def _inside(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key
