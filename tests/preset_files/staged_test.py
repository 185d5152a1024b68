"""A preset is saved whole, or what is there cannot be read as one."""

import collections
import os
import pathlib

import pytest

from vqa_keras import preset_files
from vqa_keras.errors import UserError

Usage = collections.namedtuple("Usage", "total used free")


def write(folder, names, content):
    for name in names:
        path = pathlib.Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def read(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


OLD = ["config.json", "task.weights.h5", "model.weights.h5", "notes.txt"]
NEW = ["config.json", "model.weights.h5", "assets/tokenizer/words.txt"]


def test_a_preset_replaces_the_older_one_and_nothing_else(tmp_path):
    write(tmp_path, OLD, "old")
    with preset_files.staged(tmp_path, 1) as folder:
        assert folder.parent == tmp_path and not list(folder.iterdir())
        write(folder, NEW, "new")
    assert read(tmp_path) == dict.fromkeys(NEW, "new") | {"notes.txt": "old"}
    assert not list(tmp_path.glob(".*"))


def test_a_failure_leaves_the_older_preset(tmp_path):
    write(tmp_path, OLD, "old")
    with pytest.raises(KeyError):
        with preset_files.staged(tmp_path, 1) as folder:
            write(folder, NEW, "new")
            raise KeyError
    assert read(tmp_path) == dict.fromkeys(OLD, "old")


def test_what_a_killed_process_left_is_deleted(tmp_path):
    write(tmp_path / ".unfinished-1-ab", NEW, "half")
    with preset_files.staged(tmp_path, 1) as folder:
        write(folder, NEW, "new")
    assert read(tmp_path) == dict.fromkeys(NEW, "new")


def test_a_kill_while_files_are_moved_leaves_no_preset(tmp_path, monkeypatch):
    """Killed before each of the moves, of which that of config.json is last."""
    move, killed = os.replace, 0
    while True:
        write(tmp_path, OLD, "old")
        calls = []

        def kill(source, target, stop=killed, calls=calls):
            if len(calls) == stop:
                raise KeyboardInterrupt
            calls.append(target)
            move(source, target)

        monkeypatch.setattr(os, "replace", kill)
        try:
            with preset_files.staged(tmp_path, 1) as folder:
                write(folder, NEW, "new")
        except KeyboardInterrupt:
            assert not (tmp_path / "config.json").exists()
            killed += 1
        else:
            break
    assert killed == len(NEW)
    assert read(tmp_path) == dict.fromkeys(NEW, "new") | {"notes.txt": "old"}


def test_a_full_disk_is_found_before_anything_is_written(tmp_path, monkeypatch):
    usage = Usage(10**9, 10**9 - 999, 999)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with preset_files.staged(tmp_path, 999) as folder:
        write(folder, NEW, "new")
    before = read(tmp_path)
    with pytest.raises(UserError, match="1,000 bytes free.*Received: 999 b"):
        with preset_files.staged(tmp_path, 1000):
            raise AssertionError("written")
    assert read(tmp_path) == before


def test_a_disk_that_fills_up_meanwhile_is_a_users_error(tmp_path):
    with pytest.raises(UserError, match="space, 1,000 bytes. Received:.*left"):
        with preset_files.staged(tmp_path, 1000):
            raise OSError(28, "No space left on device")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_a_users_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="must be in a writable folder"):
        with preset_files.staged(tmp_path / "file" / "preset", 1):
            raise AssertionError("written")
