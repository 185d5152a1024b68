"""One process at a time writes a folder."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import types

import pytest

from vqa_keras import lock
from vqa_keras.errors import UserError
from vqa_keras.lock import LOCK
from vqa_keras.lock import one_writer

PACKAGE = pathlib.Path(lock.__file__).parent
# Without the package's own imports, which take seconds.
HOLD = """
import sys
import types

sys.modules["vqa_keras"] = types.ModuleType("vqa_keras")
sys.modules["vqa_keras"].__path__ = [sys.argv[2]]
from vqa_keras.lock import one_writer
with one_writer(sys.argv[1]):
    print(flush=True)
    sys.stdin.read()
"""


def hold(folder):
    """Starts a process that writes `folder`."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, folder, PACKAGE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    process.stdout.readline()
    return process


def test_a_second_process_is_refused_and_told_of_the_first(tmp_path):
    with hold(tmp_path) as first:
        with pytest.raises(UserError) as error, one_writer(tmp_path):
            pass
        first.stdin.close()
    message = str(error.value)
    assert message.startswith(f"{tmp_path} must be written by one process at")
    found = re.search(r"process (\d+) on (\S+), since (\S+ \S+),", message)
    assert int(found[1]) == first.pid and found[2] == socket.gethostname()
    with one_writer(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


def test_the_lock_of_a_killed_process_does_not_block(tmp_path):
    with hold(tmp_path) as first:
        first.send_signal(signal.SIGKILL)
    assert (tmp_path / LOCK).is_file()
    with one_writer(tmp_path):
        assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()
        with pytest.raises(UserError, match=f"process {os.getpid()} on"):
            with one_writer(tmp_path):
                pass
        with one_writer(tmp_path / "other"):
            pass
    assert not list(tmp_path.iterdir())


def test_a_lock_whose_text_is_damaged_still_holds(tmp_path):
    with one_writer(tmp_path):
        for text in ("", "[]", "{}", '{"pid": "x"}', "\0"):
            (tmp_path / LOCK).write_text(text)
            with pytest.raises(UserError, match="; another process is writing"):
                with one_writer(tmp_path):
                    pass


def test_a_new_folder_stays_only_with_content(tmp_path):
    folder = tmp_path / "a" / "b"
    with one_writer(folder):
        assert folder.is_dir()
    assert not folder.parent.exists()
    with one_writer(folder):
        (folder / "file").write_text("")
    assert [path.name for path in folder.iterdir()] == ["file"]


def test_a_file_in_place_of_the_folder_is_left_to_the_caller(tmp_path):
    (tmp_path / "file").write_text("")
    with one_writer(tmp_path / "file"):
        pass


def test_a_lock_that_is_a_link_is_refused(tmp_path):
    mine = tmp_path / "mine"
    mine.write_text("mine")
    (tmp_path / LOCK).symlink_to(mine)
    with pytest.raises(UserError, match="must be the lock of"):
        with one_writer(tmp_path):
            pass
    assert mine.read_text() == "mine"


def test_the_lock_of_a_lock_removed_meanwhile_is_taken_anew(
    tmp_path, monkeypatch
):
    take, path = lock._lock, tmp_path / LOCK

    def removed(descriptor):
        monkeypatch.setattr(lock, "_lock", take)
        path.unlink()  # as by a process that ended now
        return take(descriptor)

    monkeypatch.setattr(lock, "_lock", removed)
    with one_writer(tmp_path):
        assert path.is_file()


def test_windows_locks_a_byte_behind_the_text(tmp_path, monkeypatch):
    held = set()

    def locking(descriptor, mode, count):
        at = os.lseek(descriptor, 0, os.SEEK_CUR)
        key = (os.fstat(descriptor).st_ino, at)
        if key in held:
            raise PermissionError
        held.add(key)

    windows = types.SimpleNamespace(locking=locking, LK_NBLCK=2)
    monkeypatch.setattr(lock, "fcntl", None)
    monkeypatch.setattr(lock, "msvcrt", windows, raising=False)
    with one_writer(tmp_path):
        with pytest.raises(UserError, match=f"process {os.getpid()} on"):
            with one_writer(tmp_path):
                pass
        ((_, at),) = held
        assert at > (tmp_path / LOCK).stat().st_size
    assert not list(tmp_path.iterdir())
