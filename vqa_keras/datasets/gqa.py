"""Reads GQA: questions about scene graphs, one answer each.

The folder holds the balanced questions, or has them in questions/ or
questions1.2/ as the archive unpacks, and the images:

    train_balanced_questions.json     images/2354786.jpg  and so on
    val_balanced_questions.json       the validation split
    testdev_balanced_questions.json   the split test_dev
    test_balanced_questions.json      the split test, without answers

Each is read if present. A file is an object from question ids to questions,
wrapped here; other keys are not read:

    "02930152": {"imageId": "2354786", "question": "Is the sky dark?",
                 "answer": "yes", "types": {"structural": "verify",
                 "semantic": "global"}, "groups": {"global": null}}

The type of a question is its structural type and, after a comma, its semantic
type: "verify, global". Files of all questions are read under the name of the
balanced ones. The files are streamed: memory is constant in their size.

Reference:
    [Hudson and Manning, 2019](https://arxiv.org/abs/1902.09506).
"""

from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from vqa_keras.datasets.folders import ImageFolders
from vqa_keras.datasets.official_rows import keyed_items
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

NAME = "gqa"
ANSWER_RULE = "text"
__all__ = ["ANSWER_RULE", "ARGUMENTS", "NAME", "find", "read"]

_FILES = {
    split: [
        f"{folder}{name}_balanced_questions.json"
        for folder in ("", "questions/", "questions1.2/")
    ]
    for split, name in (
        ("train", "train"),
        ("validation", "val"),
        ("test", "test"),
        ("test_dev", "testdev"),
    )
}


def _read_file(file: SplitFile) -> Iterator[AskedImage]:
    folders = ImageFolders(file.folder, file.images, ["images"])
    for question_id, row in keyed_items(file.path):
        place = f"question {question_id}"
        image_id = plain_text(string(file.path, row, "imageId", place))
        if "/" in image_id or "\\" in image_id:
            refuse(file.path, place, "`imageId`, the name of an image", row)
        image = folders.path(f"{image_id}.jpg")
        question = _question(file, question_id, row)
        yield AskedImage(image_id, image, question)


def _question(
    file: SplitFile, question_id: str, row: Mapping[str, Any]
) -> Question:
    path, place = file.path, f"question {question_id}"
    text = plain_text(string(path, row, "question", place))
    answers = []
    if "answer" in row:
        answers = [plain_text(string(path, row, "answer", place))]
    elif file.answers_required:
        keys = ", ".join(sorted(row))
        required = f"`answer`, as all questions of the {file.split} split"
        refuse(path, place, required, f"the keys {keys}")
    return Question(
        question_id=plain_text(question_id),
        question=text,
        question_type=_question_type(row)
        or default_question_type(text, answers),
        answer_type=default_answer_type(answers),
        answers=answers,
    )


def _question_type(row: Mapping[str, Any]) -> str:
    types = row.get("types")
    if not isinstance(types, dict):
        return ""  # in the file of the split test
    names = (types.get("structural"), types.get("semantic"))
    return ", ".join(plain_text(str(name)) for name in names if name)


_READER = SplitReader(NAME, _FILES, _read_file)
find = _READER.find
read = _READER.read
