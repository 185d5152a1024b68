"""Pickles of plain values are read, and nothing in a pickle is run."""

import collections
import os
import pickle
import resource
import time

import numpy as np
import pytest

from vqa_keras.writing.pickled_values import PickledArray
from vqa_keras.writing.pickled_values import RefusedPickle
from vqa_keras.writing.pickled_values import read_pickle

VALUES = {
    "text": "\u1eeb",
    "int": -3,
    "long": 2**70,
    "float": 0.5,
    "none": None,
    "bool": True,
    "bytes": b"\xff\x00",
    "list": [1, [2, 3]],
    "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
    "dict": {1: {}},
    "long text": "a" * 300,
}


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_come_back(protocol):
    assert read_pickle(pickle.dumps(VALUES, protocol)) == VALUES


@pytest.mark.parametrize("protocol", range(5))
@pytest.mark.parametrize(
    "value",
    [
        np.arange(6, dtype="float32").reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(6, dtype=">i2"),
        np.float16([0.5]),
        np.array([True, False]),
        np.zeros((0, 4), "float32"),
        np.float32(2.5),
        np.int64(-7),
    ],
    ids=str,
)
def test_arrays_come_back(protocol, value):
    read = read_pickle(pickle.dumps({"a": value}, protocol))["a"].value()
    assert read.dtype == value.dtype
    np.testing.assert_array_equal(read, value)


def test_a_pickle_of_python_2_is_read():
    # pickle.dumps({'a': numpy.float32([1, 2])}, 2) of Python 2.7
    content = (
        b"\x80\x02}q\x01U\x01acnumpy.core.multiarray\n_reconstruct\nq\x02"
        b"cnumpy\nndarray\nq\x03K\x00\x85q\x04U\x01bq\x05\x87q\x06Rq\x07"
        b"(K\x01K\x02\x85q\x08cnumpy\ndtype\nq\tU\x02f4q\nK\x00K\x01\x87q\x0b"
        b"Rq\x0c(K\x03U\x01<q\rNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00"
        b"tq\x0eb\x89U\x08\x00\x00\x80?\x00\x00\x00@q\x0ftq\x10bs."
    )
    assert read_pickle(content)["a"].value().tolist() == [1, 2]


class Call:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "value",
    [
        Call(os.mkdir, "executed"),
        Call(eval, "1"),
        Call(np.load, "a"),
        Call(np.ndarray, (2**40,)),
        {"a": [Call(os.mkdir, "executed")]},
        collections.OrderedDict(a=1),
        {(1, 2): 3},
        {1, 2},
        1j,
        VALUES.items,
    ],
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_anything_else_is_refused(value, protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RefusedPickle):
        read_pickle(pickle.dumps(value, protocol))
    assert not list(tmp_path.iterdir())


def test_objects_declared_as_numbers_are_no_array():
    dtype = PickledArray("dtype", ("O8", False, True))
    dtype.state = (3, "|", None, None, None, -1, -1, 0)
    array = PickledArray("array", ())
    array.state = (1, (1,), dtype, False, bytes(8))
    with pytest.raises(RefusedPickle, match="numeric. Received: O8"):
        array.value()


@pytest.mark.parametrize("shape", [(3,), (-1, -2), (2**62, 4)])
def test_the_bytes_of_an_array_must_fit_its_shape(shape):
    dtype = PickledArray("dtype", ("f4",))
    array = PickledArray("array", ())
    array.state = (1, shape, dtype, False, bytes(8))
    with pytest.raises((RefusedPickle, ValueError)):
        array.value()


def test_a_truncated_pickle_is_refused():
    content = pickle.dumps(VALUES, 4)
    for length in range(len(content)):
        with pytest.raises(RefusedPickle):
            read_pickle(content[:length])


@pytest.mark.parametrize(
    "content",
    [
        b"}" * 2**20,  # many containers
        b"(" * 2**20,
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\x0f.",  # bytes that are not there
        b"\x96\xff\xff\xff\xff\xff\xff\xff\x0f.",
        b"]r\xff\xff\xff\xffb.",  # a memo of 4 billion items
        b")" + b"\x86" * 60 + b".",
        b")" + b"2\x86" * 60 + b"}" + b"2s.",  # a key of 2^60 tuples
    ],
)
def test_a_hostile_pickle_takes_little_memory_and_time(content):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    with pytest.raises(RefusedPickle):
        read_pickle(content)
    assert time.process_time() - start < 5
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 100 * 2**10  # kilobytes
