r"""Reads your own data set: image files and one line per question.

    DIR/train.jsonl         or train.csv, as the next two
    DIR/validation.jsonl    optional; else a fraction of the training images
    DIR/test.jsonl          optional
    DIR/...                 the image files, at any depth

The images may be below another folder, `images`. A line of .jsonl is an object,
wrapped here:

    {"question_id": 7, "image": "photos/door.jpg",
     "question": "what color is the door?", "answers": ["red", "dark red"]}

    question_id    integer or string, unique in the file; submissions in the
                   official format take integers only
    image          path below DIR, in any format that Pillow reads: JPEG, PNG,
                   GIF, BMP, WebP, TIFF, PPM. Many lines may name one image.
                   Either slash and any Unicode form find the file
    question       string
    answers        list of strings, one per annotator; or
    answer         one string. Both are optional in test.jsonl
    question_type  optional string, groups results. Defaults to the first word
    answer_type    optional string. Defaults to "yes/no", "number" or "other",
                   by the most common answer. Without answers, both types
                   default to ""
    boxes          optional list of [x1, y1, x2, y2] in pixels: the objects
                   that the answer depends on, for grounding
    image_id       optional integer or string. Defaults to the path
    complementary_id  optional: question_id of the same question about an
                   image with another answer

A .csv file is UTF-8 with a header of these keys, in any order. Commas,
semicolons or tabs separate the cells, and "|" separates `answers`. A cell with
a separator, a quote or a newline in it is in quotes. `boxes` are JSON. An empty
cell is a missing key. `question_id` is optional and defaults to the line:

    image,question,answers
    photos/door.jpg,"What color is it, the door?",red|red|dark red
"""

import os
import pathlib
from collections.abc import Iterator
from typing import Any
from typing import NoReturn

from vqa_keras.datasets.folders import content_of
from vqa_keras.datasets.image_names import is_below
from vqa_keras.datasets.question import Question
from vqa_keras.datasets.question import default_answer_type
from vqa_keras.datasets.question import default_question_type
from vqa_keras.datasets.question_table import QuestionTable
from vqa_keras.datasets.text_rows import csv_rows
from vqa_keras.errors import UserError
from vqa_keras.files import parse_json
from vqa_keras.files import plain_text

NAME = "jsonl"
ANSWER_RULE = "text"
ARGUMENTS = ("validation_fraction", "seed", "images")

_SPLITS = ("train", "validation", "test")
_KEYS = (
    "question_id",
    "image",
    "question",
    "answers",
    "answer",
    "question_type",
    "answer_type",
    "boxes",
    "image_id",
    "complementary_id",
)


def find(directory: str | os.PathLike[str] | None = None) -> pathlib.Path:
    """Returns the folder of the data set.

    Args:
        directory: str or path, folder with train.jsonl or train.csv.

    Returns:
        `pathlib.Path`.

    Raises:
        UserError: if `directory` is None, has no file of a split or has two of
            the same split.
    """
    if directory is None:
        raise UserError(
            "--input must be the folder of your data, with train.jsonl or "
            "train.csv. Received: no --input"
        )
    directory = pathlib.Path(directory)
    if not _files(directory):
        raise UserError(
            f"{directory} must be a folder with train.jsonl, one line of JSON "
            "per question, or train.csv, one row per question. Received: "
            f"{content_of(directory)}"
        )
    return directory


def read(
    folder: pathlib.Path,
    table: QuestionTable,
    validation_fraction: float = 0.1,
    seed: int = 0,
    images: str | os.PathLike[str] | None = None,
) -> None:
    """Adds the images and questions of all files to a table.

    Args:
        folder: `pathlib.Path` from `find`.
        table: `QuestionTable` to fill.
        validation_fraction: float, at least 0 and less than 1, fraction of the
            training images that becomes the validation split if it has no
            file. Defaults to 0.1.
        seed: int, chooses the validation images. Defaults to 0.
        images: str or path, folder that the images are below. Defaults to
            None: `folder`.

    Raises:
        UserError: if a line is not in the format of this module, with file and
            line; if an image is outside the folder; if a file has no question.
    """
    root = os.path.realpath(images or folder)
    files = _files(folder)
    for split, path in files.items():
        _read_file(path, split, table, root)
    if "validation" not in files:
        table.hold_out(validation_fraction, seed)


def _files(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    files = {}
    for split in _SPLITS:
        both = [folder / f"{split}.{kind}" for kind in ("jsonl", "csv")]
        existing = [path for path in both if path.is_file()]
        if len(existing) == 2:
            raise UserError(
                f"{folder} must have either {split}.jsonl or {split}.csv. "
                "Received: both"
            )
        if existing:
            files[split] = existing[0]
    return files


def _read_file(
    path: pathlib.Path, split: str, table: QuestionTable, root: str
) -> None:
    count = 0
    lines = _csv_lines if path.suffix == ".csv" else _jsonl_lines
    for number, values in lines(path):
        line = _Line(values, path, number)
        line.check(answers_required=split != "test")
        image_id, image = line.image(root)
        table.add_image(split, image_id, image)
        table.add_question(split, image_id, line.question())
        count += 1
    if not count:
        raise UserError(
            f"{path} must have at least one question, one line per question. "
            "Received: none"
        )


def _jsonl_lines(path: pathlib.Path) -> Iterator[tuple[int, Any]]:
    try:
        with open(path, "rb") as file:
            for number, data in enumerate(file, start=1):
                if data.removeprefix(b"\xef\xbb\xbf").strip():
                    yield number, parse_json(data, path, number)
    except OSError as error:
        raise UserError(
            f"{path} must be a readable file. Received: {error.strerror}"
        ) from error


def _csv_lines(path: pathlib.Path) -> Iterator[tuple[int, Any]]:
    for number, cells in csv_rows(path, _KEYS, ("image", "question")):
        values: dict[str, Any] = {"question_id": number, **cells}
        if "answers" in cells:
            parts = [part.strip() for part in cells["answers"].split("|")]
            values["answers"] = [part for part in parts if part]
        if "boxes" in cells:
            values["boxes"] = parse_json(cells["boxes"].encode(), path, number)
        yield number, values


class _Line:
    """Checks and parses one line of a file."""

    def __init__(self, values: Any, path: pathlib.Path, number: int):
        self.values = values
        self.place = f"{path}, line {number}"

    def check(self, answers_required: bool) -> None:
        values = self.values
        if not isinstance(values, dict):
            self.refuse("must be a JSON object", values)
        unknown = sorted(set(values).difference(_KEYS))
        if unknown:
            known = ", ".join(sorted(_KEYS))
            self.refuse(f"must have no keys but {known}", unknown[0])
        for key in ("question_id", "image", "question"):
            if key not in values:
                keys = ", ".join(sorted(values))
                self.refuse(f"must have the key `{key}`", keys)
        for key in ("image", "question", "question_type", "answer_type"):
            if key in values and not isinstance(values[key], str):
                self.refuse(f"`{key}` must be a string", values[key])
        for key in ("question_id", "image_id", "complementary_id"):
            if key in values and not _is_id(values[key]):
                rule = f"`{key}` must be an integer or a string"
                self.refuse(rule, values[key])
        if "answers" in values and "answer" in values:
            self.refuse("must have either `answers` or `answer`", "both")
        if "answer" in values and not isinstance(values["answer"], str):
            self.refuse("`answer` must be a string", values["answer"])
        answers = values.get("answers", [])
        if not isinstance(answers, list) or not all(
            isinstance(answer, str) for answer in answers
        ):
            self.refuse("`answers` must be a list of strings", answers)
        if answers_required and not (answers or "answer" in values):
            keys = ", ".join(sorted(values))
            self.refuse("must have `answers` or `answer`", keys)
        boxes = values.get("boxes") or []
        if not isinstance(boxes, list) or not all(map(_is_box, boxes)):
            rule = "`boxes` must be a list of [x1, y1, x2, y2]"
            self.refuse(f"{rule} with x1 <= x2 and y1 <= y2", boxes)

    def image(self, root: str) -> tuple[str, str]:
        """Returns the image's id and its path."""
        path = plain_text(self.values["image"])
        if not is_below(root, path):
            self.refuse("`image` must be a path below the folder", path)
        return plain_text(str(self.values.get("image_id", path))), path

    def question(self) -> Question:
        """Returns the question."""
        values = self.values
        answers = values.get("answers")
        if answers is None:
            answers = [values["answer"]] if "answer" in values else []
        answers = list(map(plain_text, answers))
        question = plain_text(values["question"])
        return Question(
            question_id=plain_text(str(values["question_id"])),
            question=question,
            question_type=plain_text(
                values.get("question_type")
                or default_question_type(question, answers)
            ),
            answer_type=plain_text(
                values.get("answer_type") or default_answer_type(answers)
            ),
            answers=answers,
            object_boxes=values.get("boxes") or [],
            complementary_id=plain_text(
                str(values.get("complementary_id", ""))
            ),
        )

    def refuse(self, rule: str, received: Any) -> NoReturn:
        """Raises a `UserError` that names the line and the rule it breaks."""
        text = received if isinstance(received, str) else repr(received)
        raise UserError(f"{self.place}: {rule}. Received: {text[:200]}")


def _is_id(value: Any) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool)


def _is_box(box: Any) -> bool:
    return (
        isinstance(box, list)
        and len(box) == 4
        and all(type(number) in (int, float) for number in box)
        and box[0] <= box[2]
        and box[1] <= box[3]
    )
