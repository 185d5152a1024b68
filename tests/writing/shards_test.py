import hashlib
import json
import multiprocessing
import os
import resource
import signal
import time

import pytest
import tensorflow as tf

from vqa_keras.data.records import encode
from vqa_keras.data.splits import Shard
from vqa_keras.errors import UserError
from vqa_keras.files import flush_files
from vqa_keras.files import write_atomically
from vqa_keras.writing.shards import finished_shard
from vqa_keras.writing.shards import remove_leftovers
from vqa_keras.writing.shards import remove_markers
from vqa_keras.writing.shards import write_shard


def write_text(path):
    write_atomically(path, "text")


def flush_shard(path):
    flush_files([path])


@pytest.fixture
def records(images):
    return [encode(image) for image in images]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "train-0.tfrecord"


def test_entry_describes_the_file(path, records):
    entry = write_shard(path, records)
    content = path.read_bytes()
    assert entry == Shard(
        name="train-0.tfrecord",
        images=10,
        questions=30,
        in_vocabulary=22,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    read = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    assert list(read) == [record.data for record in records]


def test_same_records_give_the_same_bytes(tmp_path, records):
    write_shard(tmp_path / "a", records)
    write_shard(tmp_path / "b", iter(records))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_shard_without_a_record_is_an_empty_file(path):
    entry = write_shard(path, [])
    assert (entry.images, entry.bytes) == (0, 0)
    assert finished_shard(path) == entry


def test_finished_shard_has_its_entry(path, records):
    assert finished_shard(path) is None
    entry = write_shard(path, records, fingerprint="this run")
    assert finished_shard(path, "this run") == entry


def test_shard_of_another_run_is_not_trusted(path, records):
    write_shard(path, records, fingerprint="this run")
    assert finished_shard(path, "another run") is None


@pytest.mark.parametrize("damage", ["flip", "cut", "remove", "marker"])
def test_damaged_shard_is_not_trusted(path, records, damage):
    write_shard(path, records)
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[100] ^= 1
    if damage == "cut":
        del content[-1:]
    path.write_bytes(content)
    if damage == "remove":
        path.unlink()
    if damage == "marker":
        path.with_name(f"{path.name}.done.json").write_text('{"shard"')
    assert finished_shard(path) is None


def test_new_shard_with_an_old_marker_is_not_trusted(path, records):
    write_shard(path, records, "old")
    marker = path.with_name(f"{path.name}.done.json")
    old = marker.read_text()
    write_shard(path, records[:3], "new")
    marker.write_text(old)  # as if killed between shard and marker
    assert finished_shard(path, "old") is None
    assert finished_shard(path, "new") is None


def test_failing_records_leave_nothing(tmp_path, path, records):
    def fail():
        yield from records
        raise RuntimeError("the CNN is out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        write_shard(path, fail())
    assert not list(tmp_path.iterdir())


def test_failing_rewrite_keeps_the_old_shard(path, records):
    entry = write_shard(path, records)
    with pytest.raises(TypeError):
        write_shard(path, [*records, records[0]._replace(data=3)])
    assert finished_shard(path) == entry


def test_full_disk_is_a_user_error(tmp_path, path, records):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(records[0].data) // 2, hard))
    try:
        with pytest.raises(UserError, match="train-0.tfrecord.*enough space"):
            write_shard(path, records)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("flush", [write_text, flush_shard])
def test_disk_that_fills_when_flushed_is_a_user_error(
    path, records, monkeypatch, flush
):
    write_shard(path, records)

    def no_space(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(UserError, match="train-0.tfrecord.*No space left"):
        flush(path)


def test_hash_is_correct_if_the_writer_pauses(path, records):
    def slowly():
        for record in records:
            time.sleep(0.005)
            yield record

    entry = write_shard(path, slowly())
    assert entry.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_missing_folder_is_a_user_error(tmp_path, records):
    with pytest.raises(UserError, match="nowhere.* must be in a writable "):
        write_shard(tmp_path / "nowhere" / "a", records)


def write_forever(path, record):
    def endless():
        while True:
            yield record

    write_shard(path, endless())


def test_killed_writer_leaves_no_shard(tmp_path, path, records):
    process = multiprocessing.get_context("fork").Process(
        target=write_forever, args=(path, records[4])
    )
    process.start()
    end = time.monotonic() + 20
    while not list(tmp_path.iterdir()) and time.monotonic() < end:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert finished_shard(path) is None
    (leftover,) = tmp_path.iterdir()
    assert leftover != path
    remove_leftovers(tmp_path)
    assert not list(tmp_path.iterdir())


def test_cleaning_keeps_shards_and_unrelated_files(tmp_path, path, records):
    write_shard(path, records)
    (tmp_path / ".mine.tmp").write_text("")
    remove_leftovers(tmp_path)
    remove_markers(tmp_path)
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == [".mine.tmp", "train-0.tfrecord"]


def test_text_file_is_replaced_whole(tmp_path):
    path = tmp_path / "info.json"
    write_atomically(path, "old")
    write_atomically(path, json.dumps(["caf\u00e9\n"], ensure_ascii=False))
    assert json.loads(path.read_bytes()) == ["caf\u00e9\n"]
    assert list(tmp_path.iterdir()) == [path]
