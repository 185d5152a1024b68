"""Reads the weights of a PyTorch file as arrays, without PyTorch.

A `.pth` file is a pickle, and loading a pickle may call any function of any
module. This reader allows only the names that a dict of tensors requires, so
that a file can yield nothing but arrays.
"""

import collections
import io
import math
import pathlib
import pickle
import typing

import numpy as np

from vqa_keras.errors import UserError

# First of the four pickles of the format that torch.save wrote before 1.6.
_MAGIC = 0x1950A86A20F9469CFC6C
_STORAGES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
}


def read_torch_weights(path):
    """Reads the tensors of a state dict.

    Args:
        path: str or path of a `.pth` file in the format of `torch.save` before
            PyTorch 1.6, or with `_use_new_zipfile_serialization=False`.

    Returns:
        dict, name -> NumPy array, in the order of the file.

    Raises:
        UserError: if the file is missing, has another format, is truncated or
            holds anything but tensors.
    """
    try:
        data = pathlib.Path(path).read_bytes()
    except OSError as error:
        raise UserError(
            f"{path} must be a readable file. Received: {error.strerror}"
        ) from error
    try:
        return _read(io.BytesIO(data))
    except Exception as error:  # a pickle's bytes may fail in any way
        received = f"a file that cannot be read ({error})"
        if isinstance(error, _Refused):
            received = error
        raise UserError(
            f"{path} must be a state dict of tensors, written by torch.save in "
            f"its older format. Received: {received}"
        ) from error


class _Refused(Exception):
    """Raised for content of a file that is not allowed."""


class _Tensor(typing.NamedTuple):
    """Describes a view of numbers that follow later in the file."""

    storage: tuple  # key, NumPy type, number of elements
    offset: int
    shape: tuple
    strides: tuple  # in elements


class _Unpickler(pickle._Unpickler):
    """Creates only numbers, strings, dicts, lists and tensors.

    Written in Python: that in C allocates as many entries as a stated index.
    """

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self._tensor
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        raise _Refused(f"the name {module}.{name}")

    def persistent_load(self, pid):
        kind, dtype, key, _, count, view = pid
        if kind != "storage" or dtype not in _STORAGES.values() or view:
            raise _Refused(f"the object {str(pid)[:80]}")
        return str(key), dtype, int(count)

    def _tensor(self, storage, offset, shape, strides, *_):
        return _Tensor(storage, offset, shape, strides)


def _read(file):
    if _load(file) != _MAGIC:
        raise _Refused("another format")
    _load(file)  # version of the format
    if _load(file)["little_endian"] is not True:
        raise _Refused("numbers of a big-endian machine")
    tensors = _load(file)
    if not isinstance(tensors, dict) or not all(
        isinstance(value, _Tensor) for value in tensors.values()
    ):
        raise _Refused("another value than a dict of tensors")
    storages = {
        key: (dtype, count)
        for key, dtype, count in (t.storage for t in tensors.values())
    }
    arrays = {key: _numbers(file, *storages[key]) for key in _load(file)}
    return {
        name: _view(name, tensor, arrays[tensor.storage[0]])
        for name, tensor in tensors.items()
    }


def _load(file):
    return _Unpickler(file).load()


def _numbers(file, dtype, count):
    """Reads the elements of a storage, preceded by their number."""
    stated = int.from_bytes(file.read(8), "little")
    data = file.read(count * np.dtype(dtype).itemsize)
    array = np.frombuffer(data, dtype)
    if stated != count or len(array) != count:
        raise _Refused(f"{len(array)} of {count} numbers; it is truncated")
    return array


def _view(name, tensor, array):
    shape, strides = tensor.shape, tensor.strides
    last = tensor.offset + sum(
        (size - 1) * stride for size, stride in zip(shape, strides, strict=True)
    )
    if min((tensor.offset, *shape, *strides)) < 0 or (
        math.prod(shape) > len(array) or last >= max(len(array), 1)
    ):
        raise _Refused(f"a tensor outside of its numbers, {name}")
    bytes_of_strides = [stride * array.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(
        array[tensor.offset :], shape, bytes_of_strides
    ).copy()
