r"""Reads your own data set: image files and one line of JSON per question.

    DIR/train.jsonl
    DIR/validation.jsonl    optional; else a fraction of the training images
    DIR/test.jsonl          optional
    DIR/...                 the image files, at any depth

A line is an object, wrapped here:

    {"question_id": 7, "image": "photos/door.jpg",
     "question": "what color is the door?", "answers": ["red", "dark red"]}

    question_id    integer or string, unique in the file; submissions in the
                   official format take integers only
    image          path below DIR, in any format that Pillow reads: JPEG, PNG,
                   GIF, BMP, WebP, TIFF, PPM. Many lines may name one image
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
"""

import os
import pathlib
import re
from typing import Any
from typing import NoReturn

from vqa_keras.datasets.question import Question
from vqa_keras.datasets.question_table import QuestionTable
from vqa_keras.errors import UserError
from vqa_keras.files import parse_json
from vqa_keras.files import plain_text
from vqa_keras.text.answers import most_common_answer
from vqa_keras.text.normalize import split as words_of

NAME = "jsonl"
ANSWER_RULE = "text"
ARGUMENTS = ("validation_fraction", "seed")

_SPLITS = ("train", "validation", "test")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*")
_KEYS = {
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
}


def find(directory: str | os.PathLike[str] | None = None) -> pathlib.Path:
    """Returns the folder of the data set.

    Args:
        directory: str or path, folder with train.jsonl.

    Returns:
        `pathlib.Path`.

    Raises:
        UserError: if `directory` is None or has no train.jsonl.
    """
    if directory is None:
        raise UserError(
            "--input must be the folder of your data, with train.jsonl. "
            "Received: no --input"
        )
    directory = pathlib.Path(directory)
    if not (directory / "train.jsonl").is_file():
        names = sorted(path.name for path in directory.glob("*"))[:5]
        raise UserError(
            f"{directory} must be a folder with train.jsonl, one line of JSON "
            f"per question. Received: {', '.join(names) or 'nothing'}"
        )
    return directory


def read(
    folder: pathlib.Path,
    table: QuestionTable,
    validation_fraction: float = 0.1,
    seed: int = 0,
) -> None:
    """Adds the images and questions of all files to a table.

    Args:
        folder: `pathlib.Path` from `find`.
        table: `QuestionTable` to fill.
        validation_fraction: float, at least 0 and less than 1, fraction of the
            training images that becomes the validation split if there is no
            validation.jsonl. Defaults to 0.1.
        seed: int, chooses the validation images. Defaults to 0.

    Raises:
        UserError: if a line is not in the format of this module, with file and
            line; if an image is outside the folder; if a file has no question.
    """
    root = os.path.realpath(folder)
    paths = {s: pathlib.Path(folder, f"{s}.jsonl") for s in _SPLITS}
    for split, path in paths.items():
        if path.is_file():
            _read_file(path, split, table, root)
    if not paths["validation"].is_file():
        table.hold_out(validation_fraction, seed)


def _read_file(
    path: pathlib.Path, split: str, table: QuestionTable, root: str
) -> None:
    count = 0
    try:
        with open(path, "rb") as file:
            for number, data in enumerate(file, start=1):
                if not data.removeprefix(b"\xef\xbb\xbf").strip():
                    continue
                line = _Line(parse_json(data, path, number), path, number)
                line.check(answers_required=split != "test")
                image_id, image = line.image(root)
                table.add_image(split, image_id, image)
                table.add_question(split, image_id, line.question())
                count += 1
    except OSError as error:
        raise UserError(
            f"{path} must be a readable file. Received: {error.strerror}"
        ) from error
    if not count:
        raise UserError(
            f"{path} must have at least one question, one line of JSON per "
            "question. Received: none"
        )


class _Line:
    """Checks and parses one line of a file."""

    def __init__(self, values: Any, path: pathlib.Path, number: int):
        self.values = values
        self.place = f"{path}, line {number}"

    def check(self, answers_required: bool) -> None:
        values = self.values
        if not isinstance(values, dict):
            self.refuse("must be a JSON object", values)
        unknown = sorted(set(values) - _KEYS)
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
        # Resolves symbolic links too: a link may lead out of the folder.
        real = os.path.realpath(os.path.join(root, path.replace("\0", "")))
        if os.path.isabs(path) or os.path.commonpath([root, real]) != root:
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
        first_word = next(iter(words_of(question)), "other") if answers else ""
        return Question(
            question_id=plain_text(str(values["question_id"])),
            question=question,
            question_type=plain_text(values.get("question_type") or first_word),
            answer_type=plain_text(
                values.get("answer_type") or _answer_type(answers)
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


def _answer_type(answers: list[str]) -> str:
    if not answers:
        return ""
    answer = most_common_answer(answers)
    if answer in ("yes", "no"):
        return "yes/no"
    return "number" if _NUMBER.fullmatch(answer) else "other"
