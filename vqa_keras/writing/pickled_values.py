"""Reads dicts, texts, numbers and arrays of a pickle, running no code.

NumPy saves a dict as a pickle, and loading a pickle may call any function.
Restricting the names that `pickle.Unpickler` resolves does not suffice: NumPy
restores an array from the state that the file declares, and a state of objects
declared as numbers turns numbers into memory addresses. This reader calls
neither: `pickletools` lists the operations, those that plain values require are
done here, any other is refused, and an array is made of its bytes alone.
"""

import math
import pickletools
from collections.abc import Callable
from typing import Any

import numpy as np

_MAX_OPERATIONS = 100_000  # the info of an image has some hundred
_KINDS = "fiub"  # of the arrays' numbers
_MULTIARRAY = ("numpy.core.multiarray", "numpy._core.multiarray")
_MARK = object()


class RefusedPickle(ValueError):
    """Raised if a pickle is damaged or holds anything but plain values."""


class PickledArray:
    """An array, scalar or dtype as a pickle declares it.

    Args:
        kind: "array", "scalar" or "dtype".
        arguments: tuple, of the call that the pickle states.
    """

    def __init__(self, kind: str, arguments: tuple[Any, ...]):
        self.kind = kind
        self.arguments = arguments
        self.state: Any = None

    def value(self) -> Any:
        """Returns an array of numbers, a scalar, or a list of objects.

        The object itself replaces the list of an array without axes.

        Raises:
            RefusedPickle: if the declaration is contradictory.
        """
        if self.kind == "scalar":
            dtype, content = self.arguments
            return _numbers(dtype.dtype(), (), False, content)
        if self.kind != "array":
            raise RefusedPickle(
                "The pickle must hold values. Received: a dtype"
            )
        _, shape, dtype, by_columns, content = self.state
        if not isinstance(content, list):
            return _numbers(dtype.dtype(), shape, by_columns, content)
        return content if shape else content[0]

    def dtype(self) -> np.dtype:
        """Returns the dtype that this declares."""
        code, *_ = self.arguments
        order = self.state[1] if self.state else "="
        if self.kind != "dtype" or code[0] not in _KINDS:
            raise RefusedPickle(f"A dtype must be numeric. Received: {code}")
        return np.dtype(code).newbyteorder("<" if order == "|" else order)


def _numbers(
    dtype: np.dtype, shape: tuple[int, ...], by_columns: bool, content: Any
) -> np.ndarray:
    if isinstance(content, str):  # of Python 2
        content = content.encode("latin-1")
    if math.prod(shape) * dtype.itemsize != len(content):
        raise RefusedPickle(
            f"An array must have the bytes of its shape {shape}. Received: "
            f"{len(content)} of {dtype}"
        )
    values = np.frombuffer(content, dtype)
    return values.reshape(shape, order="F" if by_columns else "C")


def read_pickle(content: bytes, max_operations: int = _MAX_OPERATIONS) -> Any:
    """Returns the value of a pickle.

    Args:
        content: bytes, of any protocol.
        max_operations: int, bounds memory and time. Defaults to 100,000.

    Returns:
        dict, list, tuple, str, bytes, int, float, bool, None or
        `PickledArray`.

    Raises:
        RefusedPickle: if the pickle is damaged, too long or holds anything
            else.
    """
    try:
        return _run(content, max_operations)
    except RefusedPickle:
        raise
    except Exception as error:  # a pickle's bytes may fail in any way
        raise RefusedPickle(
            f"A pickle must be readable. Received: {error}"
        ) from error


def _run(content: bytes, max_operations: int) -> Any:
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    value: Any
    for number, (opcode, value, _) in enumerate(pickletools.genops(content)):
        name = opcode.name
        if number >= max_operations:
            raise RefusedPickle(
                f"A pickle must have at most {max_operations} operations. "
                "Received: more"
            )
        if name == "STOP":
            return stack.pop()
        if name in _LITERALS:
            stack.append(value)
        elif name in ("MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"):
            memo[len(memo) if value is None else value] = stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(memo[value])
        elif name == "GLOBAL":
            stack.append(_constructor(*value.split(" ")))
        elif name in _OPERATIONS:
            _OPERATIONS[name](stack)
        elif name not in ("PROTO", "FRAME"):
            raise RefusedPickle(
                f"A pickle must hold plain values. Received: {name}"
            )
    raise RefusedPickle("A pickle must have an end. Received: none")


def _constructor(module: str, name: str) -> Callable[..., Any]:
    """Returns what stands here for a global name."""
    if module in _MULTIARRAY and name == "_reconstruct":
        return lambda *arguments: PickledArray("array", arguments)
    if module in _MULTIARRAY and name == "scalar":
        return lambda *arguments: PickledArray("scalar", arguments)
    if (module, name) == ("numpy", "dtype"):
        return lambda *arguments: PickledArray("dtype", arguments)
    if (module, name) == ("_codecs", "encode"):  # bytes, of protocol 2
        return lambda text, _: text.encode("latin-1")
    if (module, name) == ("__builtin__", "bytes"):  # no bytes, of protocol 2
        return lambda: b""
    if (module, name) == ("numpy", "ndarray"):
        return _class_of_arrays
    raise RefusedPickle(
        f"A pickle must hold plain values. Received: {module}.{name}"
    )


def _class_of_arrays(*arguments: Any) -> Any:
    raise RefusedPickle("A pickle must hold plain values. Received: a call")


def _items(stack: list[Any]) -> list[Any]:
    """Removes and returns the items above the last mark."""
    items = []
    while (item := stack.pop()) is not _MARK:
        items.append(item)
    return items[::-1]


def _last(stack: list[Any], count: int) -> list[Any]:
    items = stack[-count:]
    if len(items) < count or _MARK in items:
        raise RefusedPickle("A pickle must have all items. Received: fewer")
    del stack[-count:]
    return items


def _dict(items: list[Any]) -> dict[Any, Any]:
    keys = items[::2]
    # The hash of a tuple takes time that nesting multiplies.
    if not all(isinstance(key, str | bytes | int) for key in keys):
        raise RefusedPickle(
            "The keys of a dict must be texts or integers. Received: others"
        )
    return dict(zip(keys, items[1::2], strict=True))


def _build(stack: list[Any]) -> None:
    declared, state = _last(stack, 2)
    if not isinstance(declared, PickledArray):
        raise RefusedPickle(
            "A pickle must set the state of arrays only. Received: another"
        )
    declared.state = state
    stack.append(declared)


def _reduce(stack: list[Any]) -> None:
    function, arguments = _last(stack, 2)
    # Only `_constructor` puts functions on the stack.
    stack.append(function(*arguments))


_LITERALS = frozenset(
    "INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT STRING "
    "BINSTRING SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE "
    "BINUNICODE8 BINBYTES SHORT_BINBYTES BINBYTES8".split()
)
_OPERATIONS: dict[str, Callable[[list[Any]], Any]] = {
    "MARK": lambda stack: stack.append(_MARK),
    "NONE": lambda stack: stack.append(None),
    "NEWTRUE": lambda stack: stack.append(True),
    "NEWFALSE": lambda stack: stack.append(False),
    "EMPTY_DICT": lambda stack: stack.append({}),
    "EMPTY_LIST": lambda stack: stack.append([]),
    "EMPTY_TUPLE": lambda stack: stack.append(()),
    "DICT": lambda stack: stack.append(_dict(_items(stack))),
    "LIST": lambda stack: stack.append(_items(stack)),
    "TUPLE": lambda stack: stack.append(tuple(_items(stack))),
    "TUPLE1": lambda stack: stack.append(tuple(_last(stack, 1))),
    "TUPLE2": lambda stack: stack.append(tuple(_last(stack, 2))),
    "TUPLE3": lambda stack: stack.append(tuple(_last(stack, 3))),
    # Each popping expression runs before the container below it is read.
    "SETITEM": lambda stack: _extend(_last(stack, 2), stack),
    "SETITEMS": lambda stack: _extend(_items(stack), stack),
    "APPEND": lambda stack: _extend(_last(stack, 1), stack),
    "APPENDS": lambda stack: _extend(_items(stack), stack),
    "STACK_GLOBAL": lambda stack: stack.append(_constructor(*_last(stack, 2))),
    "REDUCE": _reduce,
    "BUILD": _build,
}


def _extend(items: list[Any], stack: list[Any]) -> None:
    if isinstance(stack[-1], dict):
        stack[-1].update(_dict(items))
    else:
        stack[-1].extend(items)
