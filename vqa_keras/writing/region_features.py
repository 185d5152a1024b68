"""Precomputed region features: a scan makes an index, workers seek.

What the files hold is told by `vqa_keras.writing.region_rows`.
"""

import contextlib
import hashlib
import os
import pathlib
import sqlite3
import weakref

from vqa_keras.errors import UserError
from vqa_keras.files import replacing
from vqa_keras.writing.region_rows import COLUMNS
from vqa_keras.writing.region_rows import MAX_BYTES
from vqa_keras.writing.region_rows import UnreadableFeatures
from vqa_keras.writing.region_rows import parse_row
from vqa_keras.writing.region_rows import read_npz

_CHUNK = 2**20
_SCHEMA = """
CREATE TABLE regions (
    image_id TEXT PRIMARY KEY,
    file INTEGER,
    start INTEGER,
    length INTEGER,
    path TEXT,
    reason TEXT
) WITHOUT ROWID
"""


def index_region_features(paths, index_path):
    """Reads all region features once and writes where each image's are.

    Memory stays flat: the index is an SQLite file of about 50 bytes an image.

    Args:
        paths: list of .tsv files and of folders of .npz files, which may lie
            in folders below and are named by the image_id or as the picture
            (`COCO_train2014_000000000009.npz`).
        index_path: file to write; an old one is replaced.

    Returns:
        dict of
            channels: int, C of the features.
            images: int, how many images have features.
            sha256: of all files; equal content in the same order, equal hash.
            dropped: list of `{"row", "reason"}`, also "image_id" if the row
                has one: the rows that are no image's, because their image_id
                cannot be read or came before. Row is `FILE:LINE` or a file.

        A row whose image_id can be read and whose features cannot is not in
        `dropped`: `RegionFeatures.read` raises its reason for that image, so
        that it counts once.

    Raises:
        UserError: if a path is neither, features are of unequal width, or no
            image has any.
    """
    index_path = pathlib.Path(index_path)
    with replacing(index_path) as temporary:
        with contextlib.closing(sqlite3.connect(temporary)) as database:
            scan = _Scan(database)
            for number, path in enumerate(paths):
                if pathlib.Path(path).is_dir():
                    scan.folder(number, pathlib.Path(path))
                else:
                    scan.tsv(number, pathlib.Path(path))
            database.commit()
        return scan.result(paths)


class RegionFeatures:
    """Reads the region features of single images through an index.

    Any number of threads may call `read`. Make one in each process: open files
    do not travel.

    Args:
        paths: the paths that `index_region_features` was given.
        index_path: the file that it wrote.

    Attributes:
        close: function without arguments that closes the files.
    """

    def __init__(self, paths, index_path):
        self._paths = [pathlib.Path(path) for path in paths]
        self._files = [
            None if path.is_dir() else os.open(path, os.O_RDONLY)
            for path in self._paths
        ]
        uri = f"{pathlib.Path(index_path).absolute().as_uri()}?mode=ro"
        self._index = sqlite3.connect(uri, uri=True, check_same_thread=False)
        # Closes the files: called by the owner, or when no one is left.
        self.close = weakref.finalize(self, _close, self._files, self._index)

    def read(self, image):
        """Returns the features of an image.

        Args:
            image: dict with `image_id` and `path`, the picture's path, or
                None. Features are found by the image_id, else by the path's
                last part without its suffix.

        Returns:
            features `(M, C)` float32, boxes `(M, 4)` float32 in pixels, and
            `(height, width)` of the picture or None: an .npz file need not
            tell it.

        Raises:
            UnreadableFeatures: with the reason, "missing_features" if no row
                and no file is this image's.
            UserError: if a file is not the one that the index was made of.
        """
        found = self._find(image)
        if found is None:
            raise UnreadableFeatures("missing_features", image["image_id"])
        key, number, start, length, path, reason = found
        if reason is not None:
            raise UnreadableFeatures(reason, image["image_id"])
        try:
            if path is not None:
                return read_npz(self._paths[number] / path)
            row = os.pread(self._files[number], length, start)
            image_id, *values = parse_row(row)
        except UnreadableFeatures as error:
            image_id, problem = None, error.reason
        else:
            problem = f"the row of image_id {image_id!r}"
        if image_id != key:
            raise UserError(
                f"{self._paths[number]} has changed while it was in use: "
                f"needed the features of image_id {key!r}. Received: {problem}"
            )
        return tuple(values)

    def _find(self, image):
        keys = [image["image_id"]]
        if image.get("path"):
            keys.append(pathlib.PurePosixPath(image["path"]).stem)
        for key in keys:
            row = self._index.execute(
                "SELECT * FROM regions WHERE image_id = ?", (key,)
            ).fetchone()
            if row is not None:
                return row
        return None


class _Scan:
    """Fills the index, file by file."""

    def __init__(self, database):
        database.executescript(_SCHEMA)
        self._database = database
        self._digests = []
        self._images = 0
        self._dropped = []
        self._first = None  # width and place of the first features
        self._reasons = {}  # {reason: place of the first}

    def tsv(self, number, path):
        hasher = hashlib.sha256()
        try:
            with open(path, "rb") as file:
                start = 0
                for line, (row, length) in enumerate(_rows(file, hasher), 1):
                    if not (line == 1 and row.split() == list(COLUMNS)):
                        place = (number, start, length, None)
                        self._row(f"{path}:{line}", place, row)
                    start += length
        except OSError as error:
            raise UserError(
                f"{path}: needed a .tsv file of region features, or a folder "
                f"of .npz files. Received: {error.strerror}"
            ) from error
        self._digests.append(hasher.hexdigest())

    def _row(self, name, place, row):
        if not row.strip():
            return  # an empty line
        try:
            if len(row) > MAX_BYTES:
                image_id = (
                    row[:1024].partition(b"\t")[0].decode("utf-8", "replace")
                )
                raise UnreadableFeatures("too_large", image_id)
            image_id, features, _, _ = parse_row(row)
            if not row.endswith(b"\n") and self._is_narrow(features):
                raise UnreadableFeatures("truncated_row", image_id)
        except UnreadableFeatures as error:
            self._add(name, error.image_id, place, None, error.reason)
        else:
            self._add(name, image_id, place, features, None)

    def folder(self, number, path):
        hasher = hashlib.sha256()
        for file in sorted(path.rglob("*.npz")):
            name = file.relative_to(path).as_posix()
            reason = features = None
            try:
                with open(file, "rb") as content:
                    digest = hashlib.file_digest(content, "sha256").hexdigest()
                features = read_npz(file)[0]
            except OSError:
                digest, reason = "", "unreadable_file"
            except UnreadableFeatures as error:
                reason = error.reason
            hasher.update(f"{name} {digest}\n".encode("utf-8", "replace"))
            place = (number, None, None, name)
            self._add(str(file), file.stem, place, features, reason)
        self._digests.append(hasher.hexdigest())

    def _is_narrow(self, features):
        return self._first is not None and features.shape[1] < self._first[0]

    def _add(self, name, image_id, place, features, reason):
        if reason is not None:
            self._reasons.setdefault(reason, name)
        if image_id is None:
            self._dropped.append({"row": name, "reason": reason})
            return
        added = self._database.execute(
            "INSERT OR IGNORE INTO regions VALUES (?, ?, ?, ?, ?, ?)",
            (image_id, *place, reason),
        ).rowcount
        if not added:
            drop = {"row": name, "image_id": image_id}
            self._dropped.append(drop | {"reason": "doubled_image_id"})
        elif reason is None:
            self._images += 1
            self._check_width(features.shape[1], f"{name} (image {image_id})")

    def _check_width(self, width, name):
        self._first = self._first or (width, name)
        if width != self._first[0]:
            raise UserError(
                f"{name}: needed {self._first[0]} features a region, as "
                f"{self._first[1]} has. Received: {width}"
            )

    def result(self, paths):
        if not self._images:
            found = ", ".join(
                f"{reason} (first {name})"
                for reason, name in self._reasons.items()
            )
            raise UserError(
                f"{', '.join(map(str, paths))}: needed the region features of "
                f"at least one image. Received: {found or 'none'}"
            )
        digests = "".join(f"{digest}\n" for digest in self._digests)
        return {
            "channels": self._first[0],
            "images": self._images,
            "sha256": hashlib.sha256(digests.encode()).hexdigest(),
            "dropped": self._dropped,
        }


def _close(files, index):
    index.close()
    for file in files:
        if file is not None:
            os.close(file)


def _rows(file, hasher):
    """Yields every line, an overlong one cut, and its length in the file."""
    while row := file.readline(MAX_BYTES + 1):
        hasher.update(row)
        length = len(row)
        while len(row) > MAX_BYTES and not row.endswith(b"\n"):
            rest = file.readline(_CHUNK)
            hasher.update(rest)
            length += len(rest)
            if not rest or rest.endswith(b"\n"):
                break
        yield row, length
