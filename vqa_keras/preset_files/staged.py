"""Writes the files of a preset such that a kill leaves no mixture."""

import contextlib
import math
import os
import pathlib
import shutil
import uuid

from vqa_keras.errors import UserError
from vqa_keras.files import flush_files
from vqa_keras.files import make_folder
from vqa_keras.preset_files.stated import names_of_preset

_CONFIG = pathlib.Path("config.json")  # without it, no preset is read
_STAGING = ".unfinished-"


def size_of(model):
    """Returns the bytes that the preset of a model takes at most.

    HDF5 takes up to 2 kB beside each weight; the last term stands for the
    configuration, words and answers.
    """
    return 2**20 + sum(
        math.prod(variable.shape) * (8 if "64" in variable.dtype else 4) + 4096
        for variable in model.variables
    )


@contextlib.contextmanager
def staged(folder, size):
    """Yields an empty folder to save a preset in, then moves its files.

    The yielded folder is inside `folder`, so on the same disk. Its files are
    flushed, then moved to `folder` one by one. The move begins by deleting the
    old config.json and ends with the new one: a preset that is partly moved
    cannot be read. Files of an older
    preset that the new one lacks are deleted; others stay.

    Args:
        folder: str or path; created if missing.
        size: int. Bytes that must be free on the disk, `size_of` the model.

    Yields:
        `pathlib.Path`.

    Raises:
        UserError: if the disk has not enough space, or the files cannot be
            written.
    """
    folder = pathlib.Path(folder)
    make_folder(folder)
    staging = folder / f"{_STAGING}{os.getpid()}-{uuid.uuid4().hex}"
    try:
        for old in folder.glob(f"{_STAGING}*"):  # of a killed process
            shutil.rmtree(old)
        staging.mkdir()
        _check_space(folder, size)
        yield staging
        _move(staging, folder)
    except OSError as error:
        raise UserError(
            f"{folder} must be a writable folder with enough space, "
            f"{size:,} bytes. Received: {error}"
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _check_space(folder, size):
    """Raises UserError before h5py crashes the process on a full disk."""
    free = shutil.disk_usage(folder).free
    if free < size:
        raise UserError(
            f"{folder}: the disk must have {size:,} bytes free for the preset. "
            f"Received: {free:,} bytes"
        )


def _move(staging, folder):
    paths = sorted(path for path in staging.rglob("*") if path.is_file())
    names = [path.relative_to(staging) for path in paths]
    flush_files(paths)
    (folder / _CONFIG).unlink(missing_ok=True)
    flush_files([folder])
    for name in names_of_preset(folder):
        if pathlib.Path(name) not in names:
            (folder / name).unlink()
    parts = [name for name in names if name != _CONFIG]
    for name in parts:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(staging / name, folder / name)
    flush_files({(folder / name).parent for name in parts})
    if _CONFIG in names:
        os.replace(staging / _CONFIG, folder / _CONFIG)
    flush_files([folder])
