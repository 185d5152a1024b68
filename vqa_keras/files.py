"""Writes files atomically, hashes them, reads JSON and locates the zoo."""

import contextlib
import hashlib
import json
import os
import pathlib
import uuid

from vqa_keras.errors import UserError

_verified = {}  # path: (its state, sha256) in this process


def zoo_folder():
    """Returns the path of the zoo, in the installed wheel or the checkout."""
    package = pathlib.Path(__file__).resolve().parent
    installed = package / "zoo" / "entries"
    return installed if installed.is_dir() else package.parent / "zoo"


def write_atomically(path, content):
    """Writes a file completely or not at all, and flushes it to disk.

    Args:
        path: str or path. File to write, in an existing folder; an existing
            file is replaced.
        content: bytes, or a str or an iterable of str, written as UTF-8.

    Raises:
        UserError: if the file cannot be written.
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
    """Creates the folder of a file to be written, with its parents.

    Args:
        path: str or path of the file.

    Returns:
        `path` as a `pathlib.Path`.

    Raises:
        UserError: if the folder cannot be created.
    """
    path = pathlib.Path(path)
    make_folder(path.parent)
    return path


def make_folder(folder):
    """Creates a folder to write in, with its parents.

    Raises:
        UserError: if it cannot be created.
    """
    try:
        pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(_refused(folder, error)) from error


@contextlib.contextmanager
def replacing(path, ending=".tmp"):
    """Yields a temporary path and renames it to `path` on success.

    The temporary file is in the folder of `path` and is deleted on failure.

    Args:
        path: `pathlib.Path`. An existing file is replaced.
        ending: str, of the name of the temporary file. Defaults to ".tmp".

    Yields:
        `pathlib.Path` to write to.

    Raises:
        UserError: if the file cannot be written.
    """
    unique = f"{os.getpid()}-{uuid.uuid4().hex}"
    temporary = path.with_name(f".{path.name}.{unique}{ending}")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise UserError(_refused(path, error)) from error
    finally:
        temporary.unlink(missing_ok=True)


def flush_files(paths):
    """Flushes files, and the names in folders, to disk.

    Args:
        paths: iterable of paths of files and folders.

    Raises:
        UserError: if one of them cannot be flushed.
    """
    for path in paths:
        try:
            _flush(path)
        except OSError as error:
            raise UserError(_refused(path, error)) from error


def file_sha256(path):
    """Computes the sha256 of a file in constant memory.

    Args:
        path: str or path.

    Returns:
        str of 64 hex digits.
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_sha256(path, expected, found):
    """Raises UserError if the sha256 of a file is not the expected one.

    Args:
        path: str or path that the message names.
        expected: str, hex sha256.
        found: str, hex sha256 of the file.
    """
    if found != expected:
        raise UserError(
            f"{path} must have the content that was written, sha256 "
            f"{expected}. Received: {found}"
        )


def check_size(path, expected):
    """Raises UserError if a shard is missing or has another size.

    Args:
        path: `pathlib.Path` of the shard.
        expected: int, its size in bytes.
    """
    if not path.is_file():
        raise UserError(
            f"{path} is missing. It must be a shard of {expected} bytes"
        )
    found = path.stat().st_size
    if found != expected:
        raise UserError(
            f"{path} must have {expected} bytes. Received: {found} bytes. The "
            "shard is truncated or from another run"
        )


def check_content(path, sha256):
    """Raises UserError if the content of a file has another sha256.

    A process hashes a file once, and again only if it is replaced, or its size
    or one of its times changes.

    Args:
        path: `pathlib.Path` of the file.
        sha256: str, the expected hex sha256.
    """
    path = path.absolute()
    stat = path.stat()
    times = (stat.st_mtime_ns, stat.st_ctime_ns)
    seen = (stat.st_ino, stat.st_size, times, sha256)
    if _verified.get(path) != seen:
        check_sha256(path, sha256, file_sha256(path))
        _verified[path] = seen


def read_json(path, max_bytes=None):
    """Reads a JSON file.

    Args:
        path: str or path.
        max_bytes: int, size above which the file is refused. Defaults to None,
            any size.

    Returns:
        The parsed value.

    Raises:
        UserError: if the file cannot be read or is not strict JSON; the
            message states line and column.
    """
    try:
        size = pathlib.Path(path).stat().st_size
        if max_bytes is not None and size > max_bytes:
            raise UserError(
                f"{path} must have at most {max_bytes:,} bytes. Received: "
                f"{size:,}"
            )
        text = pathlib.Path(path).read_bytes()
    except OSError as error:
        raise UserError(
            f"{path} must be a readable file. Received: {error.strerror}"
        ) from error
    return parse_json(text, path)


def parse_json(data, path, line=1):
    """Parses JSON bytes, UTF-8 with or without a byte order mark.

    Args:
        data: bytes.
        path: str or path of the source, for messages.
        line: int. Line of the source at which `data` begins. Defaults to 1.

    Returns:
        The parsed value.

    Raises:
        UserError: if `data` is not strict JSON; NaN and Infinity are not. The
            message states line and column.
    """
    try:
        text = data.decode("utf-8-sig")
        value = json.loads(text, parse_constant=_refuse)
    except UnicodeDecodeError as error:
        line += data.count(b"\n", 0, error.start)
        raise UserError(
            f"{path} must be UTF-8 text at line {line}. Received: "
            f"{error.reason}"
        ) from error
    except json.JSONDecodeError as error:
        raise UserError(
            f"{path} must be JSON at line {line + error.lineno - 1}, column "
            f"{error.colno}. Received: {error.msg}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} must be JSON. Received: {error}") from error
    return value


def plain_text(text):
    """Replaces each lone surrogate by "?", so that UTF-8 can encode the text.

    JSON allows lone surrogates.

    Args:
        text: str.

    Returns:
        str.
    """
    return text.encode("utf-8", "replace").decode()


def _refuse(constant):
    raise ValueError(f"the number {constant}")


def _refused(path, error):
    return (
        f"{path} must be in a writable folder with enough space. "
        f"Received: {error}"
    )


def _flush(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
