"""Reads VizWiz-VQA: photographs and questions of people who are blind.

The folder holds the annotations, or has them in Annotations/ as the archive
unpacks, and the images:

    train.json    train/VizWiz_train_00000000.jpg  and so on
    val.json      val/, the validation split
    test.json     test/, without answers

Each is read if present; the images may also be in images/train/ and so on, or
all in images/. A file is a list of questions, wrapped here:

    {"image": "VizWiz_train_00000000.jpg", "question": "What's this?",
     "answers": [{"answer": "basil", "answer_confidence": "yes"}, ...],
     "answer_type": "other", "answerable": 1}

The image id is the name of the file. Questions have no id in the file: it is
their row, from 0. `answer_type` may be "unanswerable"; then the answer of most
annotators is "unanswerable" too, a class as others. `answerable` and
`answer_confidence` are not read.

Reference:
    [Gurari et al., 2018](https://arxiv.org/abs/1802.08218).
"""

from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from vqa_keras.datasets.folders import ImageFolders
from vqa_keras.datasets.official_rows import answers as answers_of
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

NAME = "vizwiz"
ANSWER_RULE = "text"
__all__ = ["ANSWER_RULE", "ARGUMENTS", "NAME", "find", "read"]

_FOLDERS = {"train": "train", "validation": "val", "test": "test"}
_FILES = {
    split: [
        f"{name}.json",
        f"Annotations/{name}.json",
        f"annotations/{name}.json",
    ]
    for split, name in _FOLDERS.items()
}


def _read_file(file: SplitFile) -> Iterator[AskedImage]:
    name = _FOLDERS[file.split]
    names = (name, f"images/{name}", "images")
    folders = ImageFolders(file.folder, file.images, names)
    for number, row in enumerate(items(file.path)):
        place = f"row {number}"
        image = plain_text(string(file.path, row, "image", place))
        if not folders.holds(image):
            refuse(file.path, place, "`image`, the name of an image", row)
        question = _question(file, number, row)
        yield AskedImage(image, folders.path(image), question)


def _question(file: SplitFile, number: int, row: Mapping[str, Any]) -> Question:
    path, place = file.path, f"row {number}"
    text = plain_text(string(path, row, "question", place))
    answers = []
    if "answers" in row or file.answers_required:
        answers = answers_of(path, row, place)
    answer_type = default_answer_type(answers)
    if "answer_type" in row:
        answer_type = plain_text(string(path, row, "answer_type", place))
    return Question(
        question_id=str(number),
        question=text,
        question_type=default_question_type(text, answers),
        answer_type=answer_type,
        answers=answers,
    )


_READER = SplitReader(NAME, _FILES, _read_file)
find = _READER.find
read = _READER.read
