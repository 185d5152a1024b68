"""Reads data sets that have one file of questions per split."""

import os
import pathlib
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import NamedTuple

from vqa_keras.datasets.folders import content_of
from vqa_keras.datasets.folders import require_folder
from vqa_keras.datasets.question import Question
from vqa_keras.datasets.question_table import QuestionTable
from vqa_keras.errors import UserError

ARGUMENTS = ("validation_fraction", "seed", "images")


class SplitFile(NamedTuple):
    """A file of questions.

    Args:
        path: `pathlib.Path`.
        split: str.
        folder: `pathlib.Path`, folder of the data set.
        images: str or path, folder of the images if it is another, or None.
    """

    path: pathlib.Path
    split: str
    folder: pathlib.Path
    images: str | os.PathLike[str] | None

    @property
    def answers_required(self) -> bool:
        """Whether all questions must have answers."""
        return self.split in ("train", "validation")


class AskedImage(NamedTuple):
    """A question and its image.

    Args:
        image_id: str.
        image: str, path of the image below the folder of the images.
        question: `Question`.
    """

    image_id: str
    image: str
    question: Question


class SplitReader:
    """Reads a data set.

    Args:
        name: str, name of the data set.
        files: `{split: [path below the folder, ...]}`, the published name
            first; the first that exists is the file of the split.
        read_file: function from a `SplitFile` to the `AskedImage` items of it.
    """

    def __init__(
        self,
        name: str,
        files: Mapping[str, Sequence[str]],
        read_file: Callable[[SplitFile], Iterator[AskedImage]],
    ):
        self.name = name
        self.files = files
        self.read_file = read_file

    def find(
        self, directory: str | os.PathLike[str] | None = None
    ) -> pathlib.Path:
        """Returns the folder of the data set.

        Args:
            directory: str or path, folder of the unpacked archives.

        Returns:
            `pathlib.Path`.

        Raises:
            UserError: if `directory` is None or has no file of a split.
        """
        folder = require_folder(directory, self.name)
        if not self._existing(folder):
            expected = ", ".join(names[0] for names in self.files.values())
            raise UserError(
                f"{folder} must have at least one of the files of {self.name}: "
                f"{expected}. Received: {content_of(folder)}"
            )
        return folder

    def read(
        self,
        folder: pathlib.Path,
        table: QuestionTable,
        validation_fraction: float = 0.1,
        seed: int = 0,
        images: str | os.PathLike[str] | None = None,
    ) -> None:
        """Adds the images and questions of all splits to a table.

        Args:
            folder: `pathlib.Path` from `find`.
            table: `QuestionTable` to fill.
            validation_fraction: float, at least 0 and less than 1, fraction of
                the training images that becomes the validation split if it has
                no file. Defaults to 0.1.
            seed: int, chooses the validation images. Defaults to 0.
            images: str or path, folder that the images are below. Defaults to
                None: `folder`.

        Raises:
            UserError: if a file is not in the format of the data set, with the
                line, the row or the id of the question; if it has no question.
        """
        files = self._existing(folder)
        for split, path in files.items():
            count = 0
            for item in self.read_file(SplitFile(path, split, folder, images)):
                table.add_image(split, item.image_id, item.image)
                table.add_question(split, item.image_id, item.question)
                count += 1
            if not count:
                raise UserError(
                    f"{path} must have at least one question, in the format "
                    f"of {self.name}. Received: none"
                )
        if "validation" not in files:
            table.hold_out(validation_fraction, seed)

    def _existing(self, folder: pathlib.Path) -> dict[str, pathlib.Path]:
        found = {}
        for split, names in self.files.items():
            paths = [folder / name for name in names]
            existing = [path for path in paths if path.is_file()]
            if existing:
                found[split] = existing[0]
        return found
