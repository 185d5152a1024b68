"""Checks that files are the ones that were written."""

from vqa_keras.data.shards import file_sha256
from vqa_keras.errors import UserError

_verified = {}  # path: (size, time of change, sha256), seen by this process


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
