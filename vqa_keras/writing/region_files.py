"""Reads the region features at a place of tables and folders."""

import os
import pathlib
import threading
import weakref
from collections.abc import Sequence

from vqa_keras.writing.region_arrays import read_npy
from vqa_keras.writing.region_arrays import read_npz
from vqa_keras.writing.region_names import without_ending
from vqa_keras.writing.region_rows import parse_row
from vqa_keras.writing.region_table import Entry
from vqa_keras.writing.region_table import Place
from vqa_keras.writing.regions import Regions
from vqa_keras.writing.regions import UnreadableFeatures

_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0)  # Windows
_lock = threading.Lock()


class RegionFiles:
    """Open tables and folders of region features. Threads may share it.

    Args:
        paths: list of str or path.

    Attributes:
        paths: list of `pathlib.Path`.
        close: function without arguments that closes the files.
    """

    def __init__(self, paths: Sequence[str | os.PathLike[str]]):
        self.paths = [pathlib.Path(path) for path in paths]
        self._files: list[int | None] = []
        # Called by the owner, or at garbage collection.
        self.close = weakref.finalize(self, _close, self._files)
        for path in self.paths:
            is_folder = path.is_dir()
            file = None if is_folder else os.open(path, _FLAGS)
            self._files.append(file)

    def read(self, entry: Entry) -> Regions:
        """Returns the features of an entry.

        Args:
            entry: `Entry`.

        Raises:
            UnreadableFeatures: if they are not at their place.
        """
        place = entry.place
        if place.path is not None:
            return read_file(self.paths[place.file] / place.path)
        file = self._files[place.file]
        if file is None or place.length is None or place.start is None:
            raise UnreadableFeatures("missing_features")
        try:
            row = _read_at(file, place.length, place.start)
        except OSError:
            raise UnreadableFeatures("unreadable_file") from None
        parsed = parse_row(row, place.layout, place.item_size)
        if without_ending(parsed.image_id) != entry.name:
            raise UnreadableFeatures(f"the row of image_id {parsed.image_id!r}")
        return parsed.regions

    def name(self, place: Place) -> str:
        """Returns `FILE:LINE`, or the file of an image."""
        path = self.paths[place.file]
        if place.path is not None:
            return str(path / place.path)
        return f"{path}:{place.line}"


def read_file(path: pathlib.Path) -> Regions:
    """Returns the regions of an .npz file, or of an .npy file and its info."""
    return read_npz(path) if path.suffix == ".npz" else read_npy(path)


def _read_at(file: int, length: int, start: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(file, length, start)
    with _lock:  # Windows: threads share the position in a file
        os.lseek(file, start, os.SEEK_SET)
        return os.read(file, length)


def _close(files: list[int | None]) -> None:
    for file in files:
        if file is not None:
            os.close(file)
