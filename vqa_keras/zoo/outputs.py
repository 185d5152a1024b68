"""Checks that the output of a command can be written, before its work."""

import pathlib
import uuid

from vqa_keras.errors import UserError


def check_output(path):
    """Raises UserError if a file cannot be written: before the work for it.

    Args:
        path: str or path of the file; its folder may be missing. None is no
            file.
    """
    if path is None:
        return
    path = pathlib.Path(path)
    if path.is_dir():
        raise UserError(f"{path} must be a file to write. Received: a folder")
    check_writable(path.parent)


def check_writable(folder):
    """Raises UserError if a folder, or the one to make it in, takes no file."""
    folder = pathlib.Path(folder).absolute()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    probe = there / f".{uuid.uuid4().hex}.tmp"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(
            f"{folder} must be a writable folder with enough space. Received: "
            f"{error}"
        ) from error
