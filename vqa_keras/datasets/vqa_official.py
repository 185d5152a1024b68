"""Reads the official files of the VQA data sets; `vqa_v1` and `vqa_v2` use it.

Below --input lie the files as the official archives unpack: JSON of questions
and of annotations, and folders of COCO pictures, which may be symbolic links:

    train2014/COCO_train2014_000000000009.jpg  and so on, val2014, test2015

Training questions and annotations are needed, what else is there is read:
val2014 becomes the validation split, test2015 test and test-dev2015 test_dev,
both without answers.
"""

import json
import pathlib
import sqlite3

from vqa_keras.errors import UserError
from vqa_keras.files import plain_text
from vqa_keras.files import read_json

ARGUMENTS = ("validation_fraction", "seed")
# {split: (subtype, folder of pictures)}
SUBTYPES = {
    "train": ("train2014", "train2014"),
    "validation": ("val2014", "val2014"),
    "test": ("test2015", "test2015"),
    "test_dev": ("test-dev2015", "test2015"),
}


class OfficialReader:
    """Reads one version of the data set.

    Args:
        name: name of the data set.
        questions: name of a questions file, with {} for the subtype.
        annotations: the same of annotations.
        pairs: the same of complementary pairs, or None.
    """

    def __init__(self, name, questions, annotations, pairs=None):
        self.name = name
        self.questions = questions
        self.annotations = annotations
        self.pairs = pairs

    def find(self, directory=None):
        """Returns the folder of the data set as a `pathlib.Path`.

        Raises:
            UserError: if none is named or a file that is needed is missing.
        """
        if directory is None:
            raise UserError(
                f"{self.name} needed the folder of its files, --input=DIR. "
                "Received: no --input"
            )
        directory = pathlib.Path(directory)
        needed = [
            self.questions.format("train2014"),
            self.annotations.format("train2014"),
        ]
        if (directory / self.questions.format("val2014")).is_file():
            needed.append(self.annotations.format("val2014"))
        missing = [n for n in needed if not (directory / n).is_file()]
        if missing:
            found = sorted(path.name for path in directory.glob("*"))[:8]
            raise UserError(
                f"{directory}: {self.name} needed {', '.join(missing)}, as the "
                "official archives unpack. Received: a folder with "
                f"{', '.join(found) or 'nothing'}"
            )
        return directory

    def read(self, folder, table, validation_fraction=0.1, seed=0):
        """Adds the images and questions of all splits to a table.

        Images are in the order of the questions files.

        Args:
            folder: what `find` returned.
            table: the `QuestionTable` to fill.
            validation_fraction: float, the part of the training images that
                becomes the validation split where val2014 is missing.
            seed: int. Another seed chooses other images.

        Raises:
            UserError: if a file is no JSON of this kind, with line and column
                or the question's id.
        """
        for split, (subtype, pictures) in SUBTYPES.items():
            path = folder / self.questions.format(subtype)
            if path.is_file():
                self._read_split(folder, table, split, subtype, pictures)
        if not (folder / self.questions.format("val2014")).is_file():
            table.hold_out(validation_fraction, seed)

    def _read_split(self, folder, table, split, subtype, pictures):
        path = folder / self.questions.format(subtype)
        annotations = _Annotations()
        source = folder / self.annotations.format(subtype)
        labeled = source.is_file()
        if labeled:
            annotations.read(source, table, split)
        if self.pairs and (folder / self.pairs.format(subtype)).is_file():
            annotations.read_pairs(folder / self.pairs.format(subtype))
        count = 0
        for row in _items(path, "questions"):
            count += 1
            question_id = _whole(path, row, "question_id", row)
            image = _whole(path, row, "image_id", f"question {question_id}")
            text = row.get("question")
            if not isinstance(text, str):
                _refuse(path, f"question {question_id}", "question", row)
            question = {
                "question_id": str(question_id),
                "question": plain_text(text),
                "question_type": "",
                "answer_type": "",
                "answers": [],
                "complementary_id": annotations.complement(question_id),
            }
            if labeled:
                annotation = annotations.take(question_id)
                if annotation is None:
                    table.drop(
                        split,
                        "question",
                        str(question_id),
                        "question_without_annotation",
                    )
                    continue
                question |= annotation
            # COCO_train2014_000000000009.jpg
            name = f"{pictures}/COCO_{pictures}_{image:012d}.jpg"
            table.add_image(split, str(image), name)
            table.add_question(split, str(image), question)
        if not count:
            raise UserError(
                f"{path}: needed at least one question. Received: none"
            )
        for question_id in annotations.left():
            table.drop(
                split,
                "annotation",
                str(question_id),
                "annotation_without_question",
            )


class _Annotations:
    """The annotations of a split, in a temporary file of SQLite."""

    def __init__(self):
        self.database = sqlite3.connect("", isolation_level=None)
        self.database.executescript(
            "CREATE TABLE annotation (id INTEGER PRIMARY KEY, content TEXT, "
            "used INTEGER DEFAULT 0);"
            "CREATE TABLE pair (id INTEGER PRIMARY KEY, other INTEGER);"
            "BEGIN"
        )

    def read(self, path, table, split):
        count = 0
        for row in _items(path, "annotations"):
            count += 1
            question_id = _whole(path, row, "question_id", row)
            place = f"question {question_id}"
            content = {
                key: plain_text(_text(path, row, key, place))
                for key in ("question_type", "answer_type")
            }
            answers = row.get("answers")
            if not isinstance(answers, list) or not answers:
                _refuse(path, place, "answers", row)
            content["answers"] = []
            for answer in answers:
                if not isinstance(answer, dict):
                    _refuse(path, place, "answers", row)
                text = _text(path, answer, "answer", place)
                content["answers"].append(plain_text(text))
            cursor = self.database.execute(
                "INSERT OR IGNORE INTO annotation (id, content) VALUES (?, ?)",
                (question_id, json.dumps(content)),
            )
            if not cursor.rowcount:
                table.drop(
                    split, "annotation", str(question_id), "doubled_annotation"
                )
        if not count:
            raise UserError(
                f"{path}: needed a JSON object with the list annotations, of "
                "at least one. Received: none"
            )

    def read_pairs(self, path):
        pairs = read_json(path)
        if not isinstance(pairs, list) or not all(map(_is_pair, pairs)):
            raise UserError(
                f"{path}: needed a list of pairs of question ids. Received: "
                f"{str(pairs)[:100]}"
            )
        self.database.executemany(
            "INSERT OR IGNORE INTO pair VALUES (?, ?)",
            (p for a, b in pairs for p in ((a, b), (b, a))),
        )

    def complement(self, question_id):
        """Returns the id of the other question of a pair as text, or ""."""
        row = self.database.execute(
            "SELECT other FROM pair WHERE id = ?", (question_id,)
        ).fetchone()
        return str(row[0]) if row else ""

    def take(self, question_id):
        """Returns the annotation of a question, or None."""
        row = self.database.execute(
            "SELECT content FROM annotation WHERE id = ?", (question_id,)
        ).fetchone()
        self.database.execute(
            "UPDATE annotation SET used = 1 WHERE id = ?", (question_id,)
        )
        return json.loads(row[0]) if row else None

    def left(self):
        """Yields the ids of annotations that no question took."""
        rows = self.database.execute(
            "SELECT id FROM annotation WHERE used = 0 ORDER BY id"
        )
        yield from (row[0] for row in rows)


def _items(path, key):
    """Yields the objects of the list `key`; memory holds one of them."""
    # Here: the readers of other data work without the package.
    try:
        import ijson
    except ImportError as error:
        raise UserError(
            f"Reading {path} needed the package ijson. Received: no such "
            "package; run `pip install vqa-keras[pipelines]`"
        ) from error
    try:
        with open(path, "rb") as file:
            if file.read(3) != b"\xef\xbb\xbf":
                file.seek(0)
            for row in ijson.items(file, f"{key}.item"):
                if not isinstance(row, dict):
                    _refuse(path, f"the list {key}", "an object", row)
                yield row
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    except ijson.JSONError as error:
        read_json(path)  # tells line and column
        raise UserError(f"{path}: needed JSON. Received: {error}") from error


def _whole(path, row, key, place):
    value = row.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        _refuse(path, place, f"{key}, a whole number", row)
    return value


def _text(path, row, key, place):
    if not isinstance(row.get(key), str):
        _refuse(path, place, f"{key}, a text", row)
    return row[key]


def _is_pair(pair):
    return (
        isinstance(pair, list)
        and len(pair) == 2
        and all(type(question_id) is int for question_id in pair)
    )


def _refuse(path, place, needed, received):
    raise UserError(
        f"{path}, {str(place)[:100]}: needed {needed}. Received: "
        f"{str(received)[:200]}"
    )
