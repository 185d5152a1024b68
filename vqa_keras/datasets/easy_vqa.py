"""Reads easy-VQA: 5,000 drawings of one shape, 48,248 questions."""

import importlib.util
import json
import os
import pathlib
from typing import Any

from vqa_keras.datasets.question import Question
from vqa_keras.datasets.question_table import QuestionTable
from vqa_keras.errors import UserError
from vqa_keras.files import plain_text
from vqa_keras.files import read_json

NAME = "easy_vqa"
ANSWER_RULE = "text"
ARGUMENTS = ("validation_fraction", "seed", "images")


def find(directory: str | os.PathLike[str] | None = None) -> pathlib.Path:
    """Returns the folder of the data set.

    Args:
        directory: str or path, folder with `train/` and `test/`. Defaults to
            the one inside the installed package easy-vqa.

    Returns:
        `pathlib.Path`.

    Raises:
        UserError: if the folder lacks a questions.json, or the package is not
            installed.
    """
    if directory is None:
        spec = importlib.util.find_spec("easy_vqa")
        if spec is None or not spec.submodule_search_locations:
            raise UserError(
                "The package easy-vqa must be installed, or --input must be "
                "the folder of its data. Received: no such package; run `pip "
                "install vqa-keras[data]`"
            )
        directory = pathlib.Path(spec.submodule_search_locations[0], "data")
    directory = pathlib.Path(directory)
    for split in ("train", "test"):
        _require(directory, f"{split}/questions.json")
    return directory


def read(
    folder: pathlib.Path,
    table: QuestionTable,
    validation_fraction: float = 0.1,
    seed: int = 0,
    images: str | os.PathLike[str] | None = None,
) -> None:
    """Adds the images and questions of all splits to a table.

    The validation split is a fraction of the training images. Images are in
    the order of their ids. Image files are not opened.

    Args:
        folder: `pathlib.Path` from `find`.
        table: `QuestionTable` to fill.
        validation_fraction: float, at least 0 and less than 1, fraction of the
            training images. Defaults to 0.1.
        seed: int, chooses the validation images. Defaults to 0.
        images: str or path, folder that the images are below, as
            train/images/0.png. Defaults to None: `folder`.

    Raises:
        UserError: if the images are missing, or a questions.json is not a list
            of `[question, answer, image id]`; names the file, the row and its
            value.
    """
    for split in ("train", "test"):
        _require(pathlib.Path(images or folder), f"{split}/images")
        asked = _read_split(folder, split)
        for image_id in sorted(asked):
            name = f"{split}-{image_id}"
            table.add_image(split, name, f"{split}/images/{image_id}.png")
            for question in asked[image_id]:
                table.add_question(split, name, question)
    table.hold_out(validation_fraction, seed)


def _require(directory: pathlib.Path, name: str) -> None:
    if not (directory / name).exists():
        raise UserError(
            "The folder of easy_vqa must have train/ and test/, each with "
            f"questions.json and images/. Received: {directory}, without {name}"
        )


def _read_split(
    directory: pathlib.Path, split: str
) -> dict[int, list[Question]]:
    path = pathlib.Path(directory, split, "questions.json")
    rows = read_json(path)
    if not isinstance(rows, list) or not rows:
        raise UserError(
            f"{path} must be a JSON list of at least one question. Received: "
            f"{json.dumps(rows)[:60]}"
        )
    images: dict[int, list[Question]] = {}
    for number, row in enumerate(rows):
        question, answer, image_id = _parse_row(path, number, row)
        images.setdefault(image_id, []).append(
            Question(
                question_id=f"{split}-{number}",
                question=question,
                question_type=_question_type(question),
                answer_type="yes/no" if answer in ("yes", "no") else "other",
                answers=[answer],
            )
        )
    return images


def _parse_row(
    path: pathlib.Path, number: int, row: Any
) -> tuple[str, str, int]:
    if (
        isinstance(row, list)
        and [type(value) for value in row] == [str, str, int]
        and row[2] >= 0
    ):
        question, answer = map(plain_text, row[:2])
        return question, answer, row[2]
    raise UserError(
        f"{path}, row {number}: must be [question, answer, image id], two "
        "strings and an integer of at least 0. Received: "
        f"{json.dumps(row)[:200]}"
    )


def _question_type(question: str) -> str:
    words = question.lower().split()
    if not words or words[0] != "what":
        return "yes/no"
    return "color" if "color" in words else "shape"
