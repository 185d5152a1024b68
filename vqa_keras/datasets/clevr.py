"""Reads CLEVR: rendered shapes and questions that take several steps.

The folder is that of the unpacked archive, CLEVR_v1.0:

    questions/CLEVR_train_questions.json  and so on, val, test
    images/train/CLEVR_train_000000.png   and so on, val, test

Each split is read if its questions are present; val becomes the validation
split, test has no answers. The questions may also be in the folder itself, and
the images in train/ and so on, or all in images/. A file is an object with the
list `questions`. A question, wrapped here; other keys are not read:

    {"image_index": 0, "image_filename": "CLEVR_train_000000.png",
     "question_index": 0, "question": "How many cubes are there?",
     "answer": "2", "program": [..., {"function": "count", ...}]}

The image id is the name of the file. `question_index` is the question id, and
defaults to the row from 0. The type of a question is the last function of its
program, "count".

Reference:
    [Johnson et al., 2017](https://arxiv.org/abs/1612.06890).
"""

import pathlib
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from vqa_keras.datasets.folders import ImageFolders
from vqa_keras.datasets.official_rows import integer
from vqa_keras.datasets.official_rows import items
from vqa_keras.datasets.official_rows import refuse
from vqa_keras.datasets.official_rows import string
from vqa_keras.datasets.question import Question
from vqa_keras.datasets.question import default_answer_type
from vqa_keras.datasets.question import default_question_type
from vqa_keras.datasets.split_reader import ARGUMENTS
from vqa_keras.datasets.split_reader import AskedImage
from vqa_keras.datasets.split_reader import SplitFile
from vqa_keras.datasets.split_reader import SplitReader
from vqa_keras.files import plain_text

NAME = "clevr"
ANSWER_RULE = "text"
__all__ = ["ANSWER_RULE", "ARGUMENTS", "NAME", "find", "read"]

_FOLDERS = {"train": "train", "validation": "val", "test": "test"}
_FILES = {
    split: [
        f"questions/CLEVR_{name}_questions.json",
        f"CLEVR_{name}_questions.json",
    ]
    for split, name in _FOLDERS.items()
}


def _read_file(file: SplitFile) -> Iterator[AskedImage]:
    name = _FOLDERS[file.split]
    names = (f"images/{name}", name, "images")
    folders = ImageFolders(file.folder, file.images, names)
    for number, row in enumerate(items(file.path, "questions")):
        place = f"row {number}"
        image = plain_text(string(file.path, row, "image_filename", place))
        if not folders.holds(image):
            required = "`image_filename`, the name of an image"
            refuse(file.path, place, required, row)
        question = _question(file, number, row)
        yield AskedImage(image, folders.path(image), question)


def _question(file: SplitFile, number: int, row: Mapping[str, Any]) -> Question:
    path, place = file.path, f"row {number}"
    text = plain_text(string(path, row, "question", place))
    if "question_index" in row:
        number = integer(path, row, "question_index", place)
    answers = []
    if "answer" in row or file.answers_required:
        answers = [_answer(path, row, place)]
    return Question(
        question_id=str(number),
        question=text,
        question_type=_last_function(row)
        or default_question_type(text, answers),
        answer_type=default_answer_type(answers),
        answers=answers,
    )


def _answer(path: pathlib.Path, row: Mapping[str, Any], place: str) -> str:
    value = row.get("answer")
    # Strings in the published files; other makers write JSON's own types.
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    return plain_text(string(path, row, "answer", place))


def _last_function(row: Mapping[str, Any]) -> str:
    program = row.get("program")
    if not isinstance(program, list) or not program:
        return ""
    step = program[-1]
    name = step.get("function") if isinstance(step, dict) else None
    return plain_text(name) if isinstance(name, str) else ""


_READER = SplitReader(NAME, _FILES, _read_file)
find = _READER.find
read = _READER.read
