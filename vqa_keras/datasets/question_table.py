"""Stores the questions of a data set by image, in an SQLite file."""

import hashlib
import json
import os
import pathlib
import sqlite3
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

from vqa_keras.datasets.question import Dropped
from vqa_keras.datasets.question import ImageQuestions
from vqa_keras.datasets.question import Question
from vqa_keras.errors import UserError

SPLITS = ("train", "validation", "test")  # in this order, others after them

_SCHEMA = """
CREATE TABLE image (
    number INTEGER PRIMARY KEY, split TEXT, image_id TEXT, path TEXT,
    drawing TEXT, UNIQUE (split, image_id));
CREATE TABLE question (
    number INTEGER PRIMARY KEY, image INTEGER, split TEXT, question_id TEXT,
    content TEXT, UNIQUE (split, question_id));
CREATE TABLE dropped (number INTEGER PRIMARY KEY, content TEXT);
"""


class QuestionTable:
    """Images and questions of a data set, stored on disk.

    Readers add questions in the order of their files; the pipeline reads them
    image by image. The table is an SQLite file: memory is constant in the size
    of the data set.

    ```python
    with QuestionTable(path) as table:
        vqa_v2.read(folder, table)
        for image in table.images("train"):
            ...
    ```

    Args:
        path: str or path, file to create; replaces an existing file.

    Raises:
        UserError: if the file cannot be written, now or later.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = pathlib.Path(path)
        self.path.unlink(missing_ok=True)
        try:
            self._database = sqlite3.connect(self.path, isolation_level=None)
            # A rerun creates the table again: no durability is required.
            self._database.execute("PRAGMA journal_mode = OFF")
            self._database.execute("PRAGMA synchronous = OFF")
            self._database.executescript(_SCHEMA)
            self._database.execute("BEGIN")
        except sqlite3.Error as error:
            raise _unwritable(self.path, error) from error

    def __enter__(self) -> "QuestionTable":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._database.close()

    def add_image(
        self,
        split: str,
        image_id: str,
        path: str | None,
        drawing: Any = None,
    ) -> None:
        """Adds an image, unless its split has one with this id.

        A duplicate id with another path is recorded as dropped.

        Args:
            split: str.
            image_id: str.
            path: str, path of the image file below the folder of the data set,
                or None for an image without a file.
            drawing: JSON value for the reader's `draw`. Defaults to None.
        """
        drawing = None if drawing is None else json.dumps(drawing)
        cursor = self._execute(
            "INSERT OR IGNORE INTO image VALUES (NULL, ?, ?, ?, ?)",
            (split, image_id, path, drawing),
        )
        if not cursor.rowcount:
            _, known = self._image(split, image_id) or (None, path)
            if known != path:
                reason = "duplicate_image_id"
                self.drop(Dropped(split, "image", image_id, reason, file=path))

    def add_question(
        self, split: str, image_id: str, question: Question
    ) -> None:
        """Adds a question about an image that was added before.

        A duplicate question_id of the split is recorded as dropped.

        Args:
            split: str.
            image_id: str.
            question: `Question`.

        Raises:
            ValueError: if the image was not added.
        """
        known = self._image(split, image_id)
        if known is None:
            raise ValueError(
                f"`image_id` must be added first. Received: {image_id!r}"
            )
        question_id = question.question_id
        cursor = self._execute(
            "INSERT OR IGNORE INTO question VALUES (NULL, ?, ?, ?, ?)",
            (known[0], split, question_id, json.dumps(vars(question))),
        )
        if not cursor.rowcount:
            reason = "duplicate_question_id"
            self.drop(Dropped(split, "question", question_id, reason))

    def drop(self, dropped: Dropped) -> None:
        """Records an item as dropped, for `dropped.jsonl`."""
        self._execute(
            "INSERT INTO dropped VALUES (NULL, ?)",
            (json.dumps(dropped.to_json()),),
        )

    def hold_out(self, fraction: float, seed: int) -> None:
        """Moves a fraction of the training images to the validation split.

        Images are chosen by a hash of seed and image id: no image is in both
        splits, and adding or removing an image does not reshuffle the others.

        Args:
            fraction: float, at least 0 and less than 1.
            seed: int, chooses the images.

        Raises:
            UserError: if `fraction` is out of range.
        """
        if not 0 <= fraction < 1:
            raise UserError(
                "`validation_fraction` must be at least 0 and less than 1. "
                f"Received: {fraction}"
            )
        rows = self._execute(
            "SELECT number, image_id FROM image WHERE split = 'train'"
        )
        ranked = sorted((_rank(seed, name), number) for number, name in rows)
        chosen = ranked[: round(fraction * len(ranked))]
        for kind, key in (("image", "number"), ("question", "image")):
            self._database.executemany(
                f"UPDATE {kind} SET split = 'validation' WHERE {key} = ?",
                ((number,) for _, number in chosen),
            )

    def splits(self) -> dict[str, int]:
        """Returns `{split: number of images}`, train first."""
        rows = dict(
            self._execute("SELECT split, COUNT(*) FROM image GROUP BY split")
        )
        others = sorted(set(rows) - set(SPLITS))
        return {s: rows[s] for s in (*SPLITS, *others) if s in rows}

    def images(self, split: str) -> Iterator[ImageQuestions]:
        """Yields the `ImageQuestions` of a split, in the order of adding."""
        rows = self._execute(
            "SELECT image.number, image_id, path, drawing, content FROM image "
            "LEFT JOIN question ON question.image = image.number "
            "WHERE image.split = ? ORDER BY image.number, question.number",
            (split,),
        )
        last, image = None, None
        for number, image_id, path, drawing, content in rows:
            if number != last:
                if image is not None:
                    yield image
                drawing = drawing and json.loads(drawing)
                image = ImageQuestions(image_id, path, drawing)
                last = number
            if image is not None and content is not None:
                image.questions.append(Question(**json.loads(content)))
        if image is not None:
            yield image

    def paths(self, split: str) -> Iterator[str | None]:
        """Yields the path of each image of a split, in the order of adding."""
        rows = self._execute(
            "SELECT path FROM image WHERE split = ? ORDER BY number", (split,)
        )
        for (path,) in rows:
            yield path

    def dropped(self) -> Iterator[Dropped]:
        """Yields the `Dropped` items, in the order of dropping."""
        for (content,) in self._execute(
            "SELECT content FROM dropped ORDER BY number"
        ):
            yield Dropped(**json.loads(content))

    def sha256(self) -> str:
        """Returns the hex sha256 of all images and questions, in order."""
        digest = hashlib.sha256()
        for split in self.splits():
            for image in self.images(split):
                text = json.dumps([split, image], sort_keys=True, default=vars)
                digest.update(text.encode())
        return digest.hexdigest()

    def finish(self, training_required: bool = True) -> None:
        """Commits the items and builds the index that makes `images` fast.

        Args:
            training_required: bool, whether the vocabularies are built from
                the training split. Defaults to True.

        Raises:
            UserError: if there is no image, or a required training image is
                missing.
        """
        try:
            self._database.execute("CREATE INDEX by_image ON question (image)")
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            raise _unwritable(self.path, error) from error
        splits = self.splits()
        if not splits or training_required and "train" not in splits:
            raise UserError(
                "Vocabularies must come from a trained model (--vocabularies) "
                "or from a training split. Received: "
                f"{', '.join(splits) or 'no questions'}"
            )

    def _image(self, split: str, image_id: str) -> tuple[Any, ...] | None:
        return self._execute(
            "SELECT number, path FROM image WHERE split = ? AND image_id = ?",
            (split, image_id),
        ).fetchone()

    def _execute(
        self, statement: str, values: Sequence[Any] = ()
    ) -> sqlite3.Cursor:
        try:
            return self._database.execute(statement, values)
        except sqlite3.Error as error:
            raise _unwritable(self.path, error) from error


def _rank(seed: int, image_id: str) -> bytes:
    return hashlib.sha256(f"{seed} {image_id}".encode()).digest()


def _unwritable(path: pathlib.Path, error: sqlite3.Error) -> UserError:
    return UserError(
        f"{path} must be in a writable folder with enough space. "
        f"Received: {error}"
    )
