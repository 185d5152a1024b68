"""Lets one process at a time write a folder or a file."""

import contextlib
import datetime
import errno
import json
import os
import pathlib
import socket

from vqa_keras.errors import UserError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None
    import msvcrt

LOCK = ".writer.lock"  # in the folder while a process writes it
_BYTE = 2**30  # Windows hides a locked byte: one behind the text.


@contextlib.contextmanager
def one_writer(target, lock=None):
    """Keeps other processes from writing the same folder or file.

    The system releases the lock of a killed process. Where the lock's file
    cannot be made, there is no lock: the caller reports its first own file.
    Nor is there one on a file system that has no locks.

    Args:
        target: str or path, the folder (made if it does not exist) or file.
        lock: path of the lock's file, which exists while the process writes;
            `target/.writer.lock` if None. Defaults to None.

    Raises:
        UserError: if another process writes; names it, its host and since
            when.

    Example:
    ```python
    with vqa_keras.lock.one_writer("runs/stacked"):
        write("runs/stacked")
    ```
    """
    target = pathlib.Path(target)
    lock = target / LOCK if lock is None else pathlib.Path(lock)
    folders = [lock.parent, *lock.parent.parents]
    made = [folder for folder in folders if not folder.exists()]
    with contextlib.suppress(OSError):
        lock.parent.mkdir(parents=True, exist_ok=True)
    descriptor = _take(lock, target)
    try:
        yield
    finally:
        if descriptor is not None:
            _release(lock, descriptor)
        with contextlib.suppress(OSError):
            for folder in made:
                folder.rmdir()  # only if it is empty


def _take(lock, target):
    """Returns the descriptor of the locked file, None if there cannot be."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    while True:
        try:
            descriptor = os.open(lock, flags, 0o644)
        except OSError as error:
            if error.errno == errno.EROFS or not os.path.lexists(lock):
                return None
            raise UserError(
                f"{lock} must be the lock of {target}. Received: {error}"
            ) from error
        if not _lock(descriptor):
            os.close(descriptor)
            raise UserError(
                f"{target} must be written by one process at a time. Received: "
                f"a second one; {_writer(lock)} is writing it"
            )
        if _is_at(lock, descriptor):
            _describe(descriptor)
            return descriptor
        os.close(descriptor)  # The process before has removed it.


def _lock(descriptor):
    """Returns whether no other process holds the lock, and takes it."""
    if fcntl is None:
        os.lseek(descriptor, _BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # a file system without locks
    return True


def _release(lock, descriptor):
    if fcntl is None:  # Windows removes no open file.
        os.close(descriptor)
    with contextlib.suppress(OSError):
        lock.unlink()
    if fcntl is not None:
        os.close(descriptor)


def _is_at(lock, descriptor):
    try:
        return os.path.samestat(os.lstat(lock), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _describe(descriptor):
    now = datetime.datetime.now().astimezone()
    text = json.dumps(
        {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": now.isoformat(" ", "seconds"),
        }
    )
    with contextlib.suppress(OSError):  # a full disk: the lock holds anyway
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, text.encode())


def _writer(lock):
    """Returns which process holds the lock, in words."""
    try:
        values = json.loads(lock.read_text(encoding="utf-8"))
        pid, host = int(values["pid"]), str(values["host"])
        return f"process {pid} on {host}, since {values['since']},"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
