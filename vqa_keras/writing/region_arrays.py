"""Reads region features from .npz and .npy files.

`vqa_keras.writing.region_features` documents the files.
"""

import io
import math
import os
import pathlib
import zipfile
import zlib
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any
from typing import BinaryIO

import numpy as np

from vqa_keras.writing.pickled_values import PickledArray
from vqa_keras.writing.pickled_values import RefusedPickle
from vqa_keras.writing.pickled_values import read_pickle
from vqa_keras.writing.regions import MAX_BYTES
from vqa_keras.writing.regions import Regions
from vqa_keras.writing.regions import UnreadableFeatures
from vqa_keras.writing.regions import checked
from vqa_keras.writing.regions import named

INFO = "_info.npy"
_END = 22  # bytes of the end of an archive without a comment
_HEADER = 2**16  # bytes of the largest header of an array
_NUMBERS = "fiub"  # kinds of dtype


def read_npz(path: str | os.PathLike[str]) -> Regions:
    """Reads the .npz file of an image; never loads pickled objects.

    Args:
        path: str or path of the file.

    Returns:
        `Regions`.

    Raises:
        UnreadableFeatures: with the reason.
    """

    def read() -> Regions:
        with (
            open(path, "rb") as file,
            np.load(file, allow_pickle=False) as arrays,
        ):
            _check_members(arrays.zip, file)
            return _regions(arrays.files, lambda name: _member(arrays, name))

    return _reading(read)


def read_npy(path: str | os.PathLike[str]) -> Regions:
    """Reads the features of `X.npy` and all else of `X_info.npy`.

    Args:
        path: str or path of `X.npy`.

    Returns:
        `Regions`.

    Raises:
        UnreadableFeatures: with the reason.
    """
    path = pathlib.Path(path)

    def read() -> Regions:
        values = _load(path)
        if not isinstance(values, dict):
            values = {"features": values}
        info = path.with_name(path.stem + INFO)
        if info.exists():
            found = _load(info)
            if not isinstance(found, dict):
                raise UnreadableFeatures("missing_arrays")
            values = {**found, **values}
        texts = {name: values[name] for name in values if type(name) is str}
        return _regions(texts, lambda name: _plain(texts[name]))

    return _reading(read)


def _reading(read: Callable[[], Regions]) -> Regions:
    try:
        return read()
    except UnreadableFeatures:
        raise
    except RefusedPickle:
        raise UnreadableFeatures("pickled_objects") from None
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise UnreadableFeatures("unreadable_file") from None
    except (
        OSError,
        ValueError,  # also: a pickle instead of numbers
        TypeError,  # also: an .npy file under another name
        AttributeError,
        EOFError,
        KeyError,  # a member that is not an .npy file
        MemoryError,  # a header with an impossible shape
        NotImplementedError,
        RuntimeError,
        zipfile.BadZipFile,
        zlib.error,
    ):
        raise UnreadableFeatures("damaged_file") from None


def _check_members(archive: zipfile.ZipFile, file: BinaryIO) -> None:
    """Checks number, names and checksums of the members of an .npz file.

    A damaged entry would be an array that the file does not have, and NumPy
    reads no checksum of an array whose header has become smaller.
    """
    file.seek(-_END, os.SEEK_END)
    end = file.read()
    count = int.from_bytes(end[10:12], "little")
    if not end.startswith(b"PK\5\6") or count != len(archive.infolist()):
        raise zipfile.BadZipFile
    for info in archive.infolist():
        with archive.open(info) as member:  # compares both of its names
            while info.file_size <= MAX_BYTES and member.read(2**20):
                pass


def _member(arrays: Any, name: str) -> np.ndarray:
    # zipfile reads no more bytes of a member than declared, and the memory of a
    # larger array is never touched.
    if arrays.zip.getinfo(f"{name}.npy").file_size > MAX_BYTES:
        raise UnreadableFeatures("too_large")
    return arrays[name]


def _load(path: pathlib.Path) -> Any:
    """Returns the array of an .npy file, or the value that it has pickled."""
    with open(path, "rb") as file:
        content = file.read(MAX_BYTES + _HEADER)
        if file.read(1):
            raise UnreadableFeatures("too_large")
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        header = np.lib.format.read_array_header_1_0(file)
    else:
        header = np.lib.format.read_array_header_2_0(file)
    shape, by_columns, dtype = header
    rest = content[file.tell() :]
    if dtype.hasobject:
        return _plain(read_pickle(rest))
    if math.prod(shape) * dtype.itemsize != len(rest):
        raise UnreadableFeatures("damaged_file")
    values = np.frombuffer(rest, dtype)
    return values.reshape(shape, order="F" if by_columns else "C")


def _plain(value: Any) -> Any:
    return value.value() if isinstance(value, PickledArray) else value


def _regions(names: Iterable[str], load: Callable[[str], Any]) -> Regions:
    """Returns the `Regions` of named arrays, of which `load` gives one."""
    names = list(names)

    def array(role: str) -> np.ndarray | None:
        found = [_numeric(load(name)) for name in named(role, names)]
        if not all(np.array_equal(found[0], other) for other in found[1:]):
            raise UnreadableFeatures("ambiguous_arrays")
        return found[0] if found else None

    features, boxes = array("features"), array("boxes")
    size, num_boxes = _image_size(names, load, array), array("num_boxes")
    if features is None or boxes is None:
        raise UnreadableFeatures("missing_arrays")
    if boxes.ndim != 2 or boxes.shape[1] != 4 or not len(boxes):
        raise UnreadableFeatures("wrong_shape")
    count = len(boxes) if num_boxes is None else _natural(num_boxes)
    if not 0 < count <= len(boxes):
        raise UnreadableFeatures("wrong_num_boxes")
    features = _oriented(features, (len(boxes), count))
    return checked(features[:count], boxes[:count], size)


def _oriented(features: np.ndarray, counts: tuple[int, int]) -> np.ndarray:
    """Returns features with one row per region, then rows of padding.

    The boxes tell which axis is that of the regions; if neither is, padding of
    zeros does.

    Args:
        features: array.
        counts: tuple of int, number of all boxes and of those without padding.

    Raises:
        UnreadableFeatures: if neither axis or either one may be that of the
            boxes.
    """
    if features.ndim != 2 or not features.size:
        raise UnreadableFeatures("wrong_shape")
    sides: list[np.ndarray] = []
    both = features, features.T
    for count in counts:
        sides = sides or [side for side in both if len(side) == count]
    sides = sides or [
        side
        for side in both
        if len(side) > counts[1] and not side[counts[1] :].any()
    ]
    if len(sides) != 1:
        raise UnreadableFeatures("ambiguous_shape" if sides else "wrong_shape")
    return sides[0]


def _numeric(value: Any) -> np.ndarray:
    if not isinstance(value, np.ndarray | int | float):
        raise UnreadableFeatures("wrong_dtype")
    value = np.asarray(value)
    if value.dtype.kind not in _NUMBERS:
        raise UnreadableFeatures("wrong_dtype")
    if 4 * value.size > MAX_BYTES:
        raise UnreadableFeatures("too_large")
    return value


def _natural(value: np.ndarray) -> int:
    if value.size != 1 or not 0 < value.item() < 1e9:
        raise UnreadableFeatures("wrong_num_boxes")
    return int(value.item())


def _image_size(
    names: list[str],
    load: Callable[[str], Any],
    array: Callable[[str], np.ndarray | None],
) -> tuple[int, int] | None:
    if "image_size" in names:
        size = _numeric(load("image_size"))
    else:
        height, width = array("height"), array("width")
        if height is None or width is None:
            return None
        size = np.append(height, width)
    size = size.ravel()
    if size.shape != (2,) or not (size >= 1).all() or (size > 1e9).any():
        raise UnreadableFeatures("wrong_image_size")
    return int(size[0]), int(size[1])
