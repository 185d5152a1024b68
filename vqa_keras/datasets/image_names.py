"""Finds image files whose names are written in another way on disk.

Lists made on another machine may separate folders by the other slash, or
compose accented letters (Unicode NFC) where the file system decomposes them
(NFD). None of these changes the image that is meant.
"""

import os
import pathlib
import unicodedata

_FORMS = ("NFC", "NFD")


def find_image(folder: str | os.PathLike[str], name: str) -> pathlib.Path:
    r"""Returns the path of an image, by any spelling of its name.

    Tries the name as it is, then with "/" for each "\\", then with "\\" for
    each "/"; each part of the name as it is, in NFC and in NFD.

    Args:
        folder: str or path, folder that the name is below.
        name: str, path of the image below it.

    Returns:
        `pathlib.Path`: of the first spelling that exists, else of the name as
        it is.
    """
    for parts in _parts(name):
        path = _existing(pathlib.Path(folder), parts)
        if path is not None:
            return path
    return pathlib.Path(folder, name)


def is_below(folder: str | os.PathLike[str], name: str) -> bool:
    """Returns whether every spelling of a name is below a folder.

    Symbolic links are resolved: a link may lead out of the folder.

    Args:
        folder: str or path, without symbolic links: see `os.path.realpath`.
        name: str, path below it.
    """
    folder = os.fspath(folder)
    name = name.replace("\0", "")
    for parts in _parts(name):
        spelled = os.sep.join(parts)
        real = os.path.realpath(os.path.join(folder, spelled))
        if os.path.isabs(spelled) or os.path.commonpath([folder, real]) != (
            folder
        ):
            return False
    return True


def _parts(name: str) -> list[list[str]]:
    spellings = (name, name.replace("\\", "/"), name.replace("/", "\\"))
    return [spelling.split("/") for spelling in dict.fromkeys(spellings)]


def _existing(path: pathlib.Path, parts: list[str]) -> pathlib.Path | None:
    if os.path.lexists(path.joinpath(*parts)):
        return path.joinpath(*parts)
    for part in parts:
        forms = (part, *(unicodedata.normalize(f, part) for f in _FORMS))
        existing = [f for f in dict.fromkeys(forms) if (path / f).exists()]
        if not existing:
            return None
        path = path / existing[0]
    return path
