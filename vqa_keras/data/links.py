"""Keeps a folder of records to itself."""

import pathlib

from vqa_keras.errors import UserError


def path_in(folder: pathlib.Path, name: str) -> pathlib.Path:
    """Returns the path of a file in a folder.

    Args:
        folder: the folder, which may be a link itself.
        name: a plain file name.

    Raises:
        UserError: if the file is a link that leaves the folder.
    """
    path = folder / name
    if path.is_symlink():
        try:
            target = path.resolve()
            inside = target.is_relative_to(folder.resolve())
        except (OSError, RuntimeError) as error:  # links in a circle
            target, inside = error, False
        if not inside:
            raise UserError(
                f"{path} must be a file in the folder. Received: a link to "
                f"{target}"
            )
    return path
