"""Reads COCO-QA: questions made of the captions of COCO images.

The folder is that of the unpacked archive, with the COCO images beside:

    train/questions.txt    train2014/COCO_train2014_000000000009.jpg
    train/answers.txt      and so on
    train/img_ids.txt
    train/types.txt        optional
    test/...               val2014/COCO_val2014_000000000042.jpg and so on

Each split is read if present. The images may also be in images/, in the folder
of the other split, or have the names of 2017, 000000000009.jpg. Line n of each
text file is about question n:

    what is the color of the door    red    9    2

n is the question id, from 1. The types are 0 object, 1 number, 2 color and 3
location; without types.txt, the type of a question is its first word.

Reference:
    [Ren et al., 2015](https://arxiv.org/abs/1505.02074).
"""

import itertools
import pathlib
from collections.abc import Iterator

from vqa_keras.datasets.folders import ImageFolders
from vqa_keras.datasets.official_rows import refuse
from vqa_keras.datasets.question import Question
from vqa_keras.datasets.question import default_answer_type
from vqa_keras.datasets.question import default_question_type
from vqa_keras.datasets.split_reader import ARGUMENTS
from vqa_keras.datasets.split_reader import AskedImage
from vqa_keras.datasets.split_reader import SplitFile
from vqa_keras.datasets.split_reader import SplitReader
from vqa_keras.datasets.text_rows import text_lines

NAME = "coco_qa"
ANSWER_RULE = "text"
__all__ = ["ANSWER_RULE", "ARGUMENTS", "NAME", "find", "read"]

_FILES = {split: [f"{split}/questions.txt"] for split in ("train", "test")}
_COLUMNS = ("questions.txt", "answers.txt", "img_ids.txt", "types.txt")
_TYPES = {"0": "object", "1": "number", "2": "color", "3": "location"}
_SUBSETS = {
    "train": ("train2014", "val2014"),
    "test": ("val2014", "train2014"),
}


def _read_file(file: SplitFile) -> Iterator[AskedImage]:
    subsets = _SUBSETS[file.split]
    names = [*subsets, *(f"images/{subset}" for subset in subsets), "images"]
    folders = ImageFolders(file.folder, file.images, names)
    for number, text, answer, image_id, kind in _rows(file.path.parent):
        files = [f"COCO_{subset}_{image_id:0>12}.jpg" for subset in subsets]
        image = folders.path(*files, f"{image_id:0>12}.jpg")
        question = Question(
            question_id=str(number),
            question=text,
            question_type=kind or default_question_type(text, [answer]),
            answer_type=default_answer_type([answer]),
            answers=[answer],
        )
        yield AskedImage(image_id, image, question)


def _rows(
    folder: pathlib.Path,
) -> Iterator[tuple[int, str, str, str, str]]:
    """Yields number, question, answer, image id and type of each question."""
    paths = [folder / name for name in _COLUMNS]
    if not paths[3].exists():
        del paths[3]
    files = [text_lines(path) for path in paths]
    for number, lines in enumerate(itertools.zip_longest(*files), start=1):
        cells = ["" if line is None else line[1].strip() for line in lines]
        if not any(cells):
            continue  # an empty line at the end
        for path, cell in zip(paths, cells, strict=True):
            if not cell:
                required = "a text, as the other files have there"
                refuse(path, f"line {number}", required, "none")
        question, answer, image_id, *kind = cells
        if not (image_id.isascii() and image_id.isdecimal()):
            required = "the id of a COCO image, an integer"
            refuse(paths[2], f"line {number}", required, image_id)
        if kind and kind[0] not in _TYPES:
            required = "one of the types 0, 1, 2 and 3"
            refuse(paths[3], f"line {number}", required, kind[0])
        yield (
            number,
            question,
            answer,
            image_id.lstrip("0") or "0",
            _TYPES[kind[0]] if kind else "",
        )


_READER = SplitReader(NAME, _FILES, _read_file)
find = _READER.find
read = _READER.read
