"""Reads the official files of VQA; `vqa_v1` and `vqa_v2` name them.

The folder holds the files of the unpacked official archives: JSON files of
questions and annotations, and folders of COCO images, which may be symbolic
links, or in images/ or another folder:

    train2014/COCO_train2014_000000000009.jpg  and so on, val2014, test2015

Each split is read if its questions are present: train2014, val2014 as the
validation split, test2015 as test and test-dev2015 as test_dev. The first two
require annotations, the others have no answers.
"""

import json
import os
import pathlib
import sqlite3
from collections.abc import Iterator
from typing import Any
from typing import NamedTuple

from vqa_keras.datasets.folders import ImageFolders
from vqa_keras.datasets.folders import content_of
from vqa_keras.datasets.folders import require_folder
from vqa_keras.datasets.official_rows import answers
from vqa_keras.datasets.official_rows import integer
from vqa_keras.datasets.official_rows import items
from vqa_keras.datasets.official_rows import string
from vqa_keras.datasets.question import Dropped
from vqa_keras.datasets.question import Question
from vqa_keras.datasets.question_table import QuestionTable
from vqa_keras.errors import UserError
from vqa_keras.files import plain_text
from vqa_keras.files import read_json

ARGUMENTS = ("validation_fraction", "seed", "images")


class _Subset(NamedTuple):
    """A subset of the data set: its name in file names, its image folder."""

    name: str
    images: str


_SUBSETS = {
    "train": _Subset("train2014", "train2014"),
    "validation": _Subset("val2014", "val2014"),
    "test": _Subset("test2015", "test2015"),
    "test_dev": _Subset("test-dev2015", "test2015"),
}


class OfficialReader:
    """Reads one version of the data set.

    Args:
        name: str, name of the data set.
        questions: str, name of the files of questions, with `{}` for the
            subset.
        annotations: str, the same for annotations.
        pairs: str, the same for complementary pairs, or None (default).
    """

    def __init__(
        self,
        name: str,
        questions: str,
        annotations: str,
        pairs: str | None = None,
    ):
        self.name = name
        self.questions = questions
        self.annotations = annotations
        self.pairs = pairs

    def find(
        self, directory: str | os.PathLike[str] | None = None
    ) -> pathlib.Path:
        """Returns the folder of the data set.

        Args:
            directory: str or path, folder of the unpacked archives.

        Returns:
            `pathlib.Path`.

        Raises:
            UserError: if `directory` is None, has no questions, or lacks
                annotations.
        """
        directory = require_folder(directory, self.name)
        asked = [
            subset.name
            for subset in _SUBSETS.values()
            if (directory / self.questions.format(subset.name)).is_file()
        ]
        required = [
            self.annotations.format(name)
            for name in (asked or ["train2014"])
            if name in ("train2014", "val2014")
        ]
        if not asked:
            required.insert(0, self.questions.format("train2014"))
        missing = [n for n in required if not (directory / n).is_file()]
        if missing:
            raise UserError(
                f"{directory} must have {', '.join(missing)} of {self.name}, "
                "as the official archives unpack. Received: "
                f"{content_of(directory)}"
            )
        return directory

    def read(
        self,
        folder: pathlib.Path,
        table: QuestionTable,
        validation_fraction: float = 0.1,
        seed: int = 0,
        images: str | os.PathLike[str] | None = None,
    ) -> None:
        """Adds the images and questions of all splits to a table.

        Images are in the order of the questions files.

        Args:
            folder: `pathlib.Path` from `find`.
            table: `QuestionTable` to fill.
            validation_fraction: float, at least 0 and less than 1, fraction of
                the training images that becomes the validation split if
                val2014 is missing. Defaults to 0.1.
            seed: int, chooses the validation images. Defaults to 0.
            images: str or path, folder that the images are below. Defaults to
                None: `folder`.

        Raises:
            UserError: if a file is not JSON of the official format, with line
                and column or the id of the question.
        """
        for split, subset in _SUBSETS.items():
            if (folder / self.questions.format(subset.name)).is_file():
                self._read_split(folder, table, split, subset, images)
        if not (folder / self.questions.format("val2014")).is_file():
            table.hold_out(validation_fraction, seed)

    def _read_split(
        self,
        folder: pathlib.Path,
        table: QuestionTable,
        split: str,
        subset: _Subset,
        images: str | os.PathLike[str] | None,
    ) -> None:
        names = (subset.images, f"images/{subset.images}", "images")
        image_folders = ImageFolders(folder, images, names)
        path = folder / self.questions.format(subset.name)
        annotations = _Annotations()
        source = folder / self.annotations.format(subset.name)
        labeled = source.is_file()
        if labeled:
            annotations.read(source, table, split)
        if self.pairs and (folder / self.pairs.format(subset.name)).is_file():
            annotations.read_pairs(folder / self.pairs.format(subset.name))
        count = 0
        for row in items(path, "questions"):
            count += 1
            question_id = integer(path, row, "question_id", row)
            place = f"question {question_id}"
            image = integer(path, row, "image_id", place)
            text = string(path, row, "question", place)
            annotation = _Annotation("", "", [])
            if labeled:
                annotation = annotations.take(question_id)
            if annotation is None:
                reason = "question_without_annotation"
                table.drop(Dropped(split, "question", str(question_id), reason))
                continue
            question = Question(
                question_id=str(question_id),
                question=plain_text(text),
                complementary_id=annotations.complement(question_id),
                **annotation._asdict(),
            )
            # COCO_train2014_000000000009.jpg
            file = image_folders.path(f"COCO_{subset.images}_{image:012d}.jpg")
            table.add_image(split, str(image), file)
            table.add_question(split, str(image), question)
        if not count:
            raise UserError(
                f"{path} must have at least one question. Received: none"
            )
        for question_id in annotations.unused():
            reason = "annotation_without_question"
            table.drop(Dropped(split, "annotation", question_id, reason))


class _Annotation(NamedTuple):
    """Fields of a `Question` that come from its annotation."""

    question_type: str
    answer_type: str
    answers: list[str]


class _Annotations:
    """Stores the annotations of a split in a temporary SQLite file."""

    def __init__(self):
        self.database = sqlite3.connect("", isolation_level=None)
        self.database.executescript(
            # Ids are text: an integer of SQLite has 64 bits.
            "CREATE TABLE annotation (id TEXT PRIMARY KEY, content TEXT, "
            "used INTEGER DEFAULT 0);"
            "CREATE TABLE pair (id TEXT PRIMARY KEY, other TEXT);"
            "BEGIN"
        )

    def read(
        self, path: pathlib.Path, table: QuestionTable, split: str
    ) -> None:
        """Adds the annotations of a file."""
        count = 0
        for row in items(path, "annotations"):
            count += 1
            question_id = integer(path, row, "question_id", row)
            place = f"question {question_id}"
            annotation = _Annotation(
                plain_text(string(path, row, "question_type", place)),
                plain_text(string(path, row, "answer_type", place)),
                answers(path, row, place),
            )
            cursor = self.database.execute(
                "INSERT OR IGNORE INTO annotation (id, content) VALUES (?, ?)",
                (str(question_id), json.dumps(annotation)),
            )
            if not cursor.rowcount:
                reason = "duplicate_annotation"
                table.drop(
                    Dropped(split, "annotation", str(question_id), reason)
                )
        if not count:
            raise UserError(
                f"{path} must be a JSON object with the list annotations, of "
                "at least one annotation. Received: none"
            )

    def read_pairs(self, path: pathlib.Path) -> None:
        """Adds the pairs of complementary questions of a file."""
        pairs = read_json(path)
        if not isinstance(pairs, list) or not all(map(_is_pair, pairs)):
            raise UserError(
                f"{path} must be a list of pairs of question ids, integers. "
                f"Received: {str(pairs)[:100]}"
            )
        self.database.executemany(
            "INSERT OR IGNORE INTO pair VALUES (?, ?)",
            (
                pair
                for a, b in (map(str, ids) for ids in pairs)
                for pair in ((a, b), (b, a))
            ),
        )

    def complement(self, question_id: int) -> str:
        """Returns the id of a question's complement as str, "" if none."""
        row = self.database.execute(
            "SELECT other FROM pair WHERE id = ?", (str(question_id),)
        ).fetchone()
        return row[0] if row else ""

    def take(self, question_id: int) -> _Annotation | None:
        """Returns the annotation of a question and marks it used, or None."""
        row = self.database.execute(
            "SELECT content FROM annotation WHERE id = ?", (str(question_id),)
        ).fetchone()
        self.database.execute(
            "UPDATE annotation SET used = 1 WHERE id = ?", (str(question_id),)
        )
        return _Annotation(*json.loads(row[0])) if row else None

    def unused(self) -> Iterator[str]:
        """Yields the question ids of annotations that were not taken."""
        rows = self.database.execute(
            "SELECT id FROM annotation WHERE used = 0 ORDER BY length(id), id"
        )
        yield from (row[0] for row in rows)


def _is_pair(pair: Any) -> bool:
    return (
        isinstance(pair, list)
        and len(pair) == 2
        and all(type(question_id) is int for question_id in pair)
    )
