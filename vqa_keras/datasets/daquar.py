"""Reads DAQUAR: questions about the indoor photographs of NYU Depth v2.

The folder holds the lines of the reduced set, of 37 objects, or of the full
one, of 894, and the images in nyu_depth_images/ or images/:

    qa.37.raw.train.txt    image3.png  and so on
    qa.37.raw.test.txt

Each is read if present. qa.37.raw.reduced.test.txt, of fewer images, is read if
there is no other test file. Lines of questions and answers alternate:

    what is in front of the door in the image5 ?
    table, chair

The question ends in the name of its image, which is its image id and is left
out of its text: "what is in front of the door ?". The question id is the number
of the line. The type of a question is its first word.

An answer with commas is a set. It is kept as one text, a class of its own, in
the order and spelling in which the training file first has the same set:
"chair, table" of a later line is "table, chair" too. `vqa_keras.metrics.wups`
compares the items.

Reference:
    [Malinowski and Fritz, 2014](https://arxiv.org/abs/1410.0210).
"""

import pathlib
import re
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

NAME = "daquar"
ANSWER_RULE = "text"
__all__ = ["ANSWER_RULE", "ARGUMENTS", "NAME", "find", "read"]

_FILES = {
    "train": ["qa.37.raw.train.txt", "qa.894.raw.train.txt"],
    "test": [
        "qa.37.raw.test.txt",
        "qa.894.raw.test.txt",
        "qa.37.raw.reduced.test.txt",
    ],
}
# "in the image5 ?", in a few lines "of the image5 ?" or without the words
_IMAGE = re.compile(
    r"(?P<question>.*?)\s*(\b(in|on|of)\s+)?(\b(the|this)\s+)?"
    r"\w*?(?P<image>image\d+)\s*\??"
)


def _read_file(file: SplitFile) -> Iterator[AskedImage]:
    folders = ImageFolders(
        file.folder, file.images, ["nyu_depth_images", "images"]
    )
    forms: dict[frozenset[str], str] = {}  # of each set, as first written
    if file.split != "train":
        for name in _FILES["train"]:
            if (file.folder / name).is_file():
                for _, _, answer in _pairs(file.folder / name):
                    _set_text(answer, forms)
                break
    for number, asked, answer in _pairs(file.path):
        text = f"{asked['question']} ?"
        answers = [_set_text(answer, forms)]
        question = Question(
            question_id=str(number),
            question=text,
            question_type=default_question_type(text, answers),
            answer_type=default_answer_type(answers),
            answers=answers,
        )
        image_id = asked["image"]
        image = folders.path(f"{image_id}.png")
        yield AskedImage(image_id, image, question)


def _pairs(path: pathlib.Path) -> Iterator[tuple[int, re.Match[str], str]]:
    """Yields the line number of each question, its match and its answer."""
    last, asked = 0, None
    for number, line in text_lines(path):
        line = line.strip()
        match = _IMAGE.fullmatch(line)
        if asked is None and match:
            last, asked = number, match
        elif asked is None and line:
            required = 'a question about an image, as "... in the image3 ?"'
            refuse(path, f"line {number}", required, line)
        elif asked is not None:
            if not line.strip(" ,") or match:
                required = f"the answer to the question of line {last}"
                received = line or "an empty line"
                refuse(path, f"line {number}", required, received)
            yield last, asked, line
            asked = None
    if asked is not None:
        required = "an answer in the next line"
        refuse(path, f"line {last}", required, "the end of the file")


def _set_text(answer: str, forms: dict[frozenset[str], str]) -> str:
    items = [item.strip() for item in answer.split(",")]
    items = list(dict.fromkeys(filter(None, items)))
    return forms.setdefault(frozenset(items), ", ".join(items))


_READER = SplitReader(NAME, _FILES, _read_file)
find = _READER.find
read = _READER.read
