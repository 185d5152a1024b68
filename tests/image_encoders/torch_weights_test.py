"""Reads tensors of a PyTorch file and refuses everything else."""

import io
import os
import pickle
import sys
import types

import numpy as np
import pytest

from vqa_keras.errors import UserError
from vqa_keras.image_encoders.torch_weights import read_torch_weights

MAGIC = 0x1950A86A20F9469CFC6C
RNG = np.random.default_rng(0)
ARRAYS = {
    "conv.weight": RNG.normal(size=(4, 3, 2, 2)).astype("float32"),
    "conv.bias": RNG.normal(size=4).astype("float16"),
    "steps": np.array(7),
}
STORAGES = {"float32": "FloatStorage", "float16": "HalfStorage"}


class Storage:
    """Represents numbers that follow later in the file."""

    def __init__(self, key, kind, count):
        self.pid = ("storage", kind, key, "cpu", count, None)


class Tensor:
    def __init__(self, rebuild, *arguments):
        self.reduced = rebuild, arguments

    def __reduce__(self):
        return self.reduced


class Pickler(pickle.Pickler):
    def persistent_id(self, found):
        return found.pid if isinstance(found, Storage) else None


@pytest.fixture
def torch(monkeypatch):
    """Installs modules with the names that the files of PyTorch use."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in ("FloatStorage", "HalfStorage", "LongStorage"):
        setattr(torch, name, type(name, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2():
        raise AssertionError("called")

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)
    return torch


@pytest.fixture
def write(torch, tmp_path):
    """Returns `write`, whose shape and strides are those of `conv.bias`."""

    def write(shape=None, strides=None, magic=MAGIC, little=True):
        rebuild = sys.modules["torch._utils"]._rebuild_tensor_v2
        file, tensors = io.BytesIO(), {}
        for key, (name, array) in enumerate(ARRAYS.items()):
            kind = STORAGES.get(array.dtype.name, "LongStorage")
            storage = Storage(str(key), getattr(torch, kind), array.size)
            steps = [step // array.itemsize for step in array.strides]
            place = array.shape, tuple(steps)
            if name == "conv.bias" and shape:
                place = shape, strides
            tensors[name] = Tensor(rebuild, storage, 0, *place, False, {})
        system = {"protocol_version": 1001, "little_endian": little}
        for value in (magic, 1001, system, tensors):
            Pickler(file, 2).dump(value)
        Pickler(file, 2).dump([str(key) for key in range(len(ARRAYS))])
        for array in ARRAYS.values():
            file.write(array.size.to_bytes(8, "little") + array.tobytes())
        path = tmp_path / "weights.pth"
        path.write_bytes(file.getvalue())
        return path

    return write


def test_tensors_are_read_as_they_were_written(write):
    found = read_torch_weights(write())
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def test_a_transposed_tensor_keeps_its_order(write):
    found = read_torch_weights(write(shape=(2, 2), strides=(1, 2)))
    numbers = ARRAYS["conv.bias"]
    np.testing.assert_array_equal(
        found["conv.bias"], numbers.reshape(2, 2).transpose()
    )


@pytest.mark.parametrize("size", [0, 100, -1])
def test_a_truncated_file_is_refused(write, size):
    path = write()
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(UserError, match="must be a state dict.*Received: "):
        read_torch_weights(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"magic": 1}, "another format"),
        ({"little": False}, "big-endian"),
        ({"shape": (5,), "strides": (1,)}, "outside of its numbers"),
        ({"shape": (2,), "strides": (-1,)}, "outside of its numbers"),
        ({"shape": (10**6, 10**6), "strides": (0, 0)}, "outside of its num"),
    ],
)
def test_anything_but_a_plain_tensor_is_refused(write, changes, message):
    with pytest.raises(UserError, match=message):
        read_torch_weights(write(**changes))


@pytest.mark.parametrize(
    "function", [os.system, eval, getattr, np.frombuffer, dict]
)
def test_no_function_of_another_module_is_called(tmp_path, function):
    path = tmp_path / "evil.pth"
    path.write_bytes(pickle.dumps(Tensor(function, "1"), 2))
    name = f"the name .*{function.__name__}"
    with pytest.raises(UserError, match=name):
        read_torch_weights(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match="no.pth must be .* No such file"):
        read_torch_weights(tmp_path / "no.pth")


def test_an_index_of_the_memo_allocates_nothing(tmp_path):
    # C's unpickler would allocate 32 GiB for this one.
    path = tmp_path / "memo.pth"
    path.write_bytes(b"\x80\x02}r" + (2**31 - 1).to_bytes(4, "little") + b".")
    with pytest.raises(UserError, match="Received: another format"):
        read_torch_weights(path)
