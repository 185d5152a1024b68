"""Writes files whole or not at all, hashes them, reads JSON, finds the zoo."""

import contextlib
import hashlib
import json
import os
import pathlib
import uuid

from vqa_keras.errors import UserError

_verified = {}  # path: (size, time of change, sha256), seen by this process


def zoo_folder():
    """Returns the folder of the zoo: the wheel's copy, or the checkout's."""
    package = pathlib.Path(__file__).resolve().parent
    installed = package / "zoo" / "entries"
    return installed if installed.is_dir() else package.parent / "zoo"


def write_atomically(path, content):
    """Writes a file whole or not at all, and flushes it to disk.

    Args:
        path: file to write.
        content: bytes, or str or an iterable of its parts, written as UTF-8.

    Raises:
        UserError: if the disk does not take the file.
    """
    path = pathlib.Path(path)
    with replacing(path) as temporary:
        if isinstance(content, bytes):
            temporary.write_bytes(content)
        else:
            parts = [content] if isinstance(content, str) else content
            with open(temporary, "w", encoding="utf-8", newline="\n") as file:
                file.writelines(parts)
        _flush(temporary)
    flush_files([path.parent])


def write_json(path, value):
    """Writes a JSON file whole or not at all, and makes its folder.

    Raises:
        UserError: if a number is not finite, or the disk does not take it.
    """
    try:
        text = json.dumps(value, indent=1, allow_nan=False)
    except ValueError as error:
        raise UserError(
            f"{path} must hold finite numbers. Received: {error}"
        ) from error
    write_atomically(make_folder_of(path), text + "\n")


def make_folder_of(path):
    """Returns `path` as a `pathlib.Path` whose folder is there.

    Raises:
        UserError: if the folder cannot be made.
    """
    path = pathlib.Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(_refused(path, error)) from error
    return path


@contextlib.contextmanager
def replacing(path):
    """Gives a temporary path that takes the place of `path` at the end.

    Raises:
        UserError: if the disk does not take it.
    """
    unique = f"{os.getpid()}-{uuid.uuid4().hex}"
    temporary = path.with_name(f".{path.name}.{unique}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise UserError(_refused(path, error)) from error
    finally:
        temporary.unlink(missing_ok=True)


def flush_files(paths):
    """Waits until files, and the names in folders, are on the disk.

    Args:
        paths: iterable of files and folders.

    Raises:
        UserError: if the disk does not take one.
    """
    for path in paths:
        try:
            _flush(path)
        except OSError as error:
            raise UserError(_refused(path, error)) from error


def file_sha256(path):
    """Returns the hex sha256 of a file, read as a stream."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_sha256(path, expected, found):
    """Refuses a file whose content has not the expected sha256."""
    if found != expected:
        raise UserError(
            f"{path}: needed the bytes that were written, sha256 {expected}. "
            f"Received: {found}"
        )


def check_size(path, expected):
    """Refuses a missing shard and one that is shorter or longer."""
    if not path.is_file():
        raise UserError(
            f"{path} is missing: needed a shard of {expected} bytes"
        )
    found = path.stat().st_size
    if found != expected:
        raise UserError(
            f"{path}: needed {expected} bytes. Received: {found} bytes. The "
            "shard is truncated or from another run"
        )


def check_content(path, sha256):
    """Refuses changed bytes; reads a file once a process unless it changes."""
    path = path.absolute()
    stat = path.stat()
    seen = (stat.st_size, stat.st_mtime_ns, sha256)
    if _verified.get(path) != seen:
        check_sha256(path, sha256, file_sha256(path))
        _verified[path] = seen


def read_json(path):
    """Returns the content of a JSON file.

    Raises:
        UserError: if it cannot be read or is no JSON, with line and column.
    """
    try:
        text = pathlib.Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    return parse_json(text, path)


def parse_json(data, path, line=1):
    """Returns the value of JSON bytes, UTF-8 with or without a byte mark.

    Args:
        data: bytes.
        path: what messages call the source.
        line: int, the line of the source that `data` begins with.

    Raises:
        UserError: if it is no JSON, with line and column.
    """
    try:
        text = data.decode("utf-8-sig")
        value = json.loads(text, parse_constant=_refuse)
    except UnicodeDecodeError as error:
        line += data.count(b"\n", 0, error.start)
        raise UserError(
            f"{path}, line {line}: needed UTF-8 text. Received: {error.reason}"
        ) from error
    except json.JSONDecodeError as error:
        raise UserError(
            f"{path}, line {line + error.lineno - 1}, column {error.colno}: "
            f"needed JSON. Received: {error.msg}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: needed JSON. Received: {error}") from error
    return value


def plain_text(text):
    """Returns `text` as UTF-8 can write it.

    A lone surrogate is valid in JSON, but no text can be written with it.
    """
    return text.encode("utf-8", "replace").decode()


def _refuse(constant):
    raise ValueError(f"the number {constant}")


def _refused(path, error):
    return (
        f"{path} cannot be written: needed a folder with room for it. "
        f"Received: {error}"
    )


def _flush(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
