"""Names the folders of a data set and finds its image files."""

import os
import pathlib
from collections.abc import Sequence

from vqa_keras.datasets.image_names import is_below
from vqa_keras.errors import UserError


def require_folder(
    directory: str | os.PathLike[str] | None, dataset: str
) -> pathlib.Path:
    """Returns the folder of a data set as a path.

    Raises:
        UserError: if `directory` is None; the message names the data set.
    """
    if directory is None:
        raise UserError(
            f"--input must be the folder of the files of {dataset}. "
            "Received: no --input"
        )
    return pathlib.Path(directory)


def content_of(folder: pathlib.Path) -> str:
    """Returns what a folder holds, for error messages."""
    if not folder.is_dir():
        return "no such folder"
    names = sorted(path.name for path in folder.glob("*"))[:8]
    return ", ".join(names) or "nothing"


class ImageFolders:
    """Locates the images of a split.

    Args:
        folder: str or path, folder of the data set.
        images: str or path, folder of the images if it is another (the flag
            --images), or None.
        names: list of str, folders below it that may hold the images, the
            published one first. `images` itself is the last of them.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        images: str | os.PathLike[str] | None,
        names: Sequence[str],
    ):
        self.root = pathlib.Path(images or folder)
        existing = [name for name in names if (self.root / name).is_dir()]
        if images is not None:
            existing.append(".")
        self.folders = existing or [names[0]]

    def holds(self, name: str) -> bool:
        """Returns whether a name of a file leads to no other folder."""
        return is_below(os.path.realpath(self.root), name)

    def path(self, *names: str) -> str:
        """Returns the path of an image below the root.

        Args:
            *names: str, file names that it may have, the published one first.

        Returns:
            str: the first that exists, else the first.
        """
        paths = [
            name if folder == "." else f"{folder}/{name}"
            for folder in self.folders
            for name in names
        ]
        if len(paths) > 1:
            for path in paths:
                if os.path.exists(self.root / path):  # False: name too long
                    return path
        return paths[0]
