"""Damages a file of a folder, in the ways of disks and of people."""

import os
import shutil

_KINDS = (
    "a byte overwritten",
    "truncated",
    "a block zeroed",
    "bytes appended",
    "removed",
    "emptied",
    "exchanged",
    "of another run",
)
_BLOCK = 512


def flip(path, rng):
    """Flips one bit of a file; returns what was done."""
    data = bytearray(path.read_bytes())
    bit = rng.randrange(8 * len(data))
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)
    return f"bit {bit} flipped"


def damage(path, rng, number, others, counterpart):
    """Damages a file in one of eight ways, in turn; returns what was done.

    Args:
        path: `pathlib.Path` of the file, not empty.
        rng: `random.Random`.
        number: int, whose remainder chooses the way.
        others: list of `pathlib.Path`, other files of the folder.
        counterpart: `pathlib.Path` of the file in another folder of its kind;
            where it does not exist, a byte is overwritten.
    """
    kind = _KINDS[number % len(_KINDS)]
    if kind == "of another run" and counterpart.is_file():
        shutil.copyfile(counterpart, path)
        return kind
    if kind == "exchanged" and others:
        other = rng.choice(others)
        aside = path.with_name("aside")
        os.replace(path, aside)
        os.replace(other, path)
        os.replace(aside, other)
        return f"exchanged with {other.name}"
    if kind == "removed":
        path.unlink()
        return kind
    data = bytearray(path.read_bytes())
    place = rng.randrange(len(data))
    if kind == "truncated":
        del data[place:]
    elif kind == "a block zeroed":
        data[place : place + _BLOCK] = bytes(len(data[place : place + _BLOCK]))
    elif kind == "bytes appended":
        data += rng.randbytes(rng.randint(1, _BLOCK))
    elif kind == "emptied":
        data = b""
    else:
        kind = "a byte overwritten"
        data[place] = (data[place] + rng.randint(1, 255)) % 256
    path.write_bytes(data)
    return kind
