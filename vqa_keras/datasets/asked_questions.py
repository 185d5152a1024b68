"""Streams the questions to answer: those of a file, or one for each image."""

import csv
import functools
import hashlib
import json
import os
import pathlib
from collections.abc import Iterator
from typing import Any
from typing import NamedTuple

from vqa_keras.datasets.jsonl import _Line
from vqa_keras.errors import UserError
from vqa_keras.files import file_sha256
from vqa_keras.files import parse_json
from vqa_keras.files import plain_text

# Also formats that cannot be decoded: such an image has a line with an error.
IMAGE_ENDINGS = """
    .jpg .jpeg .jpe .jfif .png .gif .bmp .dib .webp .tif .tiff .ppm .pgm .pbm
    .pnm .avif .heic .heif .jp2 .j2k
""".split()
_FILES = (".jsonl", ".csv")
_DELIMITERS = (",", ";", "\t")  # A spreadsheet writes that of its language.


class AskedQuestion(NamedTuple):
    """A question to answer.

    Args:
        question_id: int or str, as in the file; of a folder, the image.
        image: path of the image below `AskedQuestions.root`.
        question: the text.
    """

    question_id: int | str
    image: str
    question: str


class AskedQuestions:
    """The questions to answer, in order; every iteration reads them again.

    Args:
        source: a folder, whose images at any depth are all asked `question`; or
            a .jsonl or .csv file of questions, in the format of
            `vqa_keras.datasets.jsonl`.
        question: the question for a folder; None for a file.
        images: folder that the images of a file are below. Defaults to the
            folder of the file.

    Raises:
        UserError: if the source is something else, or holds no question; when
            iterating, if a line is not in the format, with its number.
    """

    def __init__(
        self,
        source: str | os.PathLike[str],
        question: str | None = None,
        images: str | os.PathLike[str] | None = None,
    ):
        self.source = pathlib.Path(source)
        self.question = question
        self.is_folder = self.source.is_dir()
        if not self.is_folder and not (
            self.source.is_file() and self.source.suffix.lower() in _FILES
        ):
            exists = self.source.exists()
            kind = "which is another" if exists else "which does not exist"
            raise UserError(
                "--input must be a folder of images, or a .jsonl or .csv file "
                f"of questions. Received: {self.source}, {kind}"
            )
        if self.is_folder == (question is None):
            raise UserError(
                "--question must be given for a folder of images, and only "
                f"then. Received: --input={self.source} "
                f"{'without' if self.is_folder else 'with'} --question"
            )
        if self.is_folder and images is not None:
            raise UserError(
                "--images must be the folder of the images of a file. "
                f"Received: --images={images} with --input={self.source}, a "
                "folder"
            )
        self.root = pathlib.Path(images or self._own_root())
        if not self.root.is_dir():
            raise UserError(f"--images must be a folder. Received: {self.root}")

    def __iter__(self) -> Iterator[AskedQuestion]:
        if self.is_folder:
            for name in self._names:
                yield AskedQuestion(name, name, self.question or "")
            return
        root = os.path.realpath(self.root)
        for number, values in _rows(self.source):
            line = _Line(values, self.source, number)
            line.check(answers_required=False)
            question_id = values["question_id"]
            yield AskedQuestion(
                plain_text(question_id)
                if isinstance(question_id, str)
                else question_id,
                line.image(root)[1],
                plain_text(values["question"]),
            )

    def count(self) -> int:
        """Returns the number of questions; checks every line.

        Raises:
            UserError: if there is none.
        """
        number = sum(1 for _ in self)
        if not number:
            kind = "image" if self.is_folder else "question"
            raise UserError(
                f"{self.source} must have at least one {kind}. Received: none"
            )
        return number

    def sha256(self) -> str:
        """Returns the hex sha256 of the file, or of the names in the folder."""
        if not self.is_folder:
            return file_sha256(self.source)
        return hashlib.sha256(json.dumps(self._names).encode()).hexdigest()

    def _own_root(self) -> pathlib.Path:
        return self.source if self.is_folder else self.source.parent

    @functools.cached_property
    def _names(self) -> list[str]:
        paths = (p.relative_to(self.source) for p in self.source.rglob("*"))
        return sorted(
            plain_text(path.as_posix())
            for path in paths
            if path.suffix.lower() in IMAGE_ENDINGS
            # Not ._a.jpg of macOS, nor what is in .thumbnails.
            and not any(part.startswith(".") for part in path.parts)
            and not (self.source / path).is_dir()
        )


def _rows(path: pathlib.Path) -> Iterator[tuple[int, Any]]:
    """Yields the lines of a file with their numbers, from 1."""
    try:
        if path.suffix.lower() == ".csv":
            yield from _csv_rows(path)
            return
        with open(path, "rb") as file:
            for number, data in enumerate(file, start=1):
                if data.removeprefix(b"\xef\xbb\xbf").strip():
                    yield number, parse_json(data, path, number)
    except OSError as error:
        raise UserError(
            f"{path} must be a readable file. Received: {error.strerror}"
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} must be UTF-8 text. Received: {error.reason}"
        ) from error


def _csv_rows(path: pathlib.Path) -> Iterator[tuple[int, Any]]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        header = file.readline()
        delimiter = max(_DELIMITERS, key=header.count)
        columns = [
            name.strip()
            for name in next(csv.reader([header], delimiter=delimiter), [])
        ]
        if not {"image", "question"} <= set(columns):
            raise UserError(
                f"{path}, line 1: must be a header with the columns image and "
                f"question. Received: {header.strip()[:200] or 'nothing'}"
            )
        rows = csv.reader(file, delimiter=delimiter, strict=True)
        number = 2
        try:
            for cells in rows:
                if any(map(str.strip, cells)):
                    yield number, _values(path, number, columns, cells)
                number = rows.line_num + 2
        except csv.Error as error:
            raise UserError(
                f"{path}, line {number}: must be a row of CSV, with each quote "
                f"closed. Received: {error}"
            ) from error


def _values(
    path: pathlib.Path, number: int, columns: list[str], cells: list[str]
) -> dict[str, Any]:
    if len(cells) != len(columns):
        raise UserError(
            f"{path}, line {number}: must have {len(columns)} cells, as the "
            f"header. Received: {len(cells)}"
        )
    values: dict[str, Any] = {"question_id": number}
    for name, cell in zip(columns, cells, strict=True):
        # What is not needed to ask is of any form.
        if cell.strip() and name not in ("answers", "boxes"):
            values[name] = cell
    return values
