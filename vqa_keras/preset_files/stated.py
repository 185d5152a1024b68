"""Compares the files of a preset with those that its results.json names.

The results.json of a run or of a shipped preset names each file that belongs to
the preset, and states its own hash (`vqa_keras.json_hash`):

    files     {name relative to the folder: {"sha256": hex, "bytes": int}}
    sha256    of results.json itself

A run of an earlier version has neither, and its files are not compared. One of
the two alone is refused: a damaged key does not turn the check off.
"""

import contextlib
import pathlib
import re

from vqa_keras.errors import UserError
from vqa_keras.files import check_content
from vqa_keras.files import file_sha256
from vqa_keras.files import read_json
from vqa_keras.files import write_json
from vqa_keras.json_hash import json_sha256

RESULTS = "results.json"
MAX_BYTES = 2**24  # of results.json, which has some kilobytes
# Names at the top of a folder that are read as a part of its preset.
_OF_PRESET = re.compile(
    r"(config|task|preprocessor|tokenizer|metadata|image_converter)\.json"
    r"|(task|model(_\d+)?)\.weights\.(h5|json)|assets"
)
# Of a run, and no part of its preset: checkpoints, and the runs of an ensemble.
_OTHER_FOLDERS = re.compile(r"training|seed_\d+|\..*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def describe(folder):
    """Returns the `files` of results.json: sha256 and size of each file.

    Args:
        folder: str or path of the preset. results.json, the checkpoints and the
            runs of an ensemble are left out.

    Returns:
        dict, name relative to `folder` -> `{"sha256": hex, "bytes": int}`, in
        the order of the names.
    """
    folder = pathlib.Path(folder)
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        other = len(name.parts) > 1 and _OTHER_FOLDERS.fullmatch(name.parts[0])
        if path.is_file() and name != pathlib.Path(RESULTS) and not other:
            sha256, size = file_sha256(path), path.stat().st_size
            found[name.as_posix()] = {"sha256": sha256, "bytes": size}
    return found


def write_results(folder, values):
    """Writes results.json, with the hash of itself, whole or not at all.

    Args:
        folder: path of the preset, whose files are written.
        values: dict, the content; an old "sha256" is replaced.
    """
    values = {key: item for key, item in values.items() if key != "sha256"}
    values["sha256"] = json_sha256(values)
    write_json(pathlib.Path(folder) / RESULTS, values)


def check_results(values, path):
    """Raises UserError if a results.json is not as it was written.

    Args:
        values: its parsed content.
        path: its path, for the message.
    """
    if not isinstance(values, dict) or not {"files", "sha256"} & values.keys():
        return
    for key in ("files", "sha256"):
        if key not in values:
            raise UserError(
                f"{path} must hold files and sha256, or neither. Received: a "
                f"file without {key}"
            )
    found = json_sha256(values)
    if found != values["sha256"]:
        raise UserError(
            f"{path} must have the content that was written, sha256 "
            f"{values['sha256']!r}. Received: {found}"
        )


def check(folder):
    """Checks a preset against its results.json, if it has one.

    A process hashes a file once, and again only if it changes. Files that are
    no part of a preset may lie beside it.

    Args:
        folder: str or path.

    Returns:
        The content of results.json; None without one.

    Raises:
        UserError: if a file is missing, changed or added, with its name.
    """
    folder = pathlib.Path(folder)
    path = folder / RESULTS
    if not path.is_file():
        return None
    values = read_json(path, MAX_BYTES)
    check_results(values, path)
    if isinstance(values, dict) and "files" in values:
        files = _checked_names(values["files"], path)
        for name, expected in files.items():
            _check_file(folder / name, expected, path)
        _check_none_added(folder, files, path)
    return values


@contextlib.contextmanager
def checked(folder):
    """Checks a preset before and after the block, which reads it.

    Args:
        folder: str. A hub handle, or a folder without results.json, is not
            checked.

    Raises:
        UserError: as `check`; and if the run was replaced in the meantime,
            whatever the block raises.
    """
    before = check(folder)
    try:
        yield
    finally:
        if before is not None and check(folder) != before:
            raise UserError(
                f"{pathlib.Path(folder) / RESULTS} must stay as it is while "
                "the run is read. Received: another content; give the command "
                "again"
            )


def names_of_preset(folder):
    """Yields the names of files in a folder that reading a preset may read."""
    for top in sorted(folder.iterdir()):
        if _OF_PRESET.fullmatch(top.name):
            paths = sorted(top.rglob("*")) if top.is_dir() else [top]
            for path in paths:
                if path.is_file():
                    yield path.relative_to(folder).as_posix()


def _checked_names(files, path):
    """Returns the `files` of a results.json, if they are well formed."""
    is_right = isinstance(files, dict) and all(
        isinstance(item, dict)
        and item.keys() == {"sha256", "bytes"}
        and _SHA256.fullmatch(str(item["sha256"]))
        and type(item["bytes"]) is int
        and not {"", ".", ".."} & set(name.split("/"))
        and not re.search(r"[\\:]", name)
        for name, item in files.items()
    )
    if not is_right:
        raise UserError(
            f"{path}: files must be sha256 and bytes by the names of files in "
            f"the folder. Received: {str(files)[:200]}"
        )
    return files


def _check_file(path, expected, results):
    """Raises UserError if a file is missing or is not the expected one."""
    size = expected["bytes"]
    try:
        found = path.stat().st_size if path.is_file() else None
        if found == size:
            check_content(path, expected["sha256"])
            return
    except OSError as error:
        found = error.strerror
    received = "no file" if found is None else found
    if isinstance(found, int):
        received = f"{found:,} bytes"
    raise UserError(
        f"{path} must be the file of {size:,} bytes that {results.name} names. "
        f"Received: {received}"
    )


def _check_none_added(folder, files, results):
    try:
        added = [name for name in names_of_preset(folder) if name not in files]
    except OSError as error:
        raise UserError(
            f"{folder} must be a readable folder. Received: {error.strerror}"
        ) from error
    if added:
        raise UserError(
            f"{folder / added[0]} must not be in the folder, as {results.name} "
            "names no such file. Received: an added file"
        )
