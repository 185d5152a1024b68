"""Reads precomputed region features by image, through their index."""

import os
import pathlib
import sqlite3
import weakref
from typing import Any

from vqa_keras.datasets.question import ImageQuestions
from vqa_keras.errors import UserError
from vqa_keras.writing.region_index import Place
from vqa_keras.writing.region_index import RegionIndex
from vqa_keras.writing.region_rows import Regions
from vqa_keras.writing.region_rows import UnreadableFeatures
from vqa_keras.writing.region_rows import parse_row
from vqa_keras.writing.region_rows import read_npz


class RegionFeatures:
    """Reads the region features of an image through an index.

    Threads may share one object. Each process opens its own: open files cannot
    be pickled.

    Args:
        index: `RegionIndex`.

    Attributes:
        close: function without arguments that closes the files.
    """

    def __init__(self, index: RegionIndex):
        self._paths = [pathlib.Path(path) for path in index.paths]
        self._files = [
            None if path.is_dir() else os.open(path, os.O_RDONLY)
            for path in self._paths
        ]
        path = pathlib.Path(index.index_path)
        uri = f"{path.absolute().as_uri()}?mode=ro"
        self._index = sqlite3.connect(uri, uri=True, check_same_thread=False)
        # Called by the owner, or at garbage collection.
        self.close = weakref.finalize(self, _close, self._files, self._index)

    def read(self, image: ImageQuestions) -> Regions:
        """Returns the features of an image.

        Args:
            image: `ImageQuestions`. Its image_id is looked up first, then the
                stem of its path.

        Returns:
            `Regions`.

        Raises:
            UnreadableFeatures: with the reason, "missing_features" if the image
                has neither a row nor a file.
            UserError: if a file has changed since it was indexed.
        """
        entry = self._find(image)
        if entry is None:
            raise UnreadableFeatures("missing_features", image.image_id)
        key, *place, reason = entry
        if reason is not None:
            raise UnreadableFeatures(reason, image.image_id)
        try:
            image_id, regions = self._read(key, Place(*place))
            if image_id == key:
                return regions
            problem = f"the row of image_id {image_id!r}"
        except UnreadableFeatures as error:
            problem = error.reason
        raise UserError(
            f"{self._paths[place[0]]} has changed while it was in use: it must "
            f"have the features of image_id {key!r}. Received: {problem}"
        )

    def _read(self, key: str, place: Place) -> tuple[str, Regions]:
        if place.path is not None:
            return key, read_npz(self._paths[place.file] / place.path)
        file = self._files[place.file]
        if file is None or place.length is None or place.start is None:
            raise UnreadableFeatures("missing_features")
        return parse_row(os.pread(file, place.length, place.start))

    def _find(self, image: ImageQuestions) -> tuple[Any, ...] | None:
        keys = [image.image_id]
        if image.path:
            keys.append(pathlib.PurePosixPath(image.path).stem)
        for key in keys:
            row = self._index.execute(
                "SELECT * FROM regions WHERE image_id = ?", (key,)
            ).fetchone()
            if row is not None:
                return row
        return None


def _close(files: list[int | None], index: sqlite3.Connection) -> None:
    index.close()
    for file in files:
        if file is not None:
            os.close(file)
