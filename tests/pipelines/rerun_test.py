import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.fixtures.changed_info import change
from vqa_keras.data import DatasetInfo
from vqa_keras.errors import UserError
from vqa_keras.lock import one_writer
from vqa_keras.writing import record_maker
from vqa_keras.writing import record_set
from vqa_keras.writing import shard_sizes
from vqa_keras.writing import transforms

pytestmark = pytest.mark.beam

ROOT = pathlib.Path(__file__).parents[2]
SCHEMA_2 = ROOT / "tests" / "testdata" / "schema_2" / "cnn"


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_files_written_twice_are_equal_byte_by_byte(write, tmp_path):
    for name in "ab":
        write(tmp_path / name)
    first = contents(tmp_path / "a")
    assert first == contents(tmp_path / "b")
    assert "unfinished" not in first


def test_finished_records_are_unchanged(write, tmp_path, capsys, monkeypatch):
    write(tmp_path / "records")
    before = contents(tmp_path / "records")
    monkeypatch.setattr(transforms, "write_shard", None)
    write(tmp_path / "records")
    assert "nothing to do" in capsys.readouterr().out
    assert contents(tmp_path / "records") == before


@pytest.mark.parametrize("overwrite", [False, True])
def test_records_that_another_process_writes_are_left(
    write, tmp_path, overwrite
):
    folder = tmp_path / "records"
    folder.mkdir()
    (folder / "train-00000-of-00001.tfrecord").write_bytes(b"its")
    with one_writer(folder):
        before = contents(folder)
        with pytest.raises(UserError, match="must be written by one process"):
            write(folder, overwrite=overwrite)
        assert contents(folder) == before


def test_other_arguments_are_refused_unless_overwritten(write, tmp_path):
    write(tmp_path / "records", seed=3)
    with pytest.raises(UserError, match="seed must be 3. Received: seed=4"):
        write(tmp_path / "records", seed=4)
    written = write(tmp_path / "records", seed=4, overwrite=True)
    write(tmp_path / "fresh", seed=4)
    assert contents(tmp_path / "records") == contents(tmp_path / "fresh")
    assert written.info.arguments["seed"] == 4


def test_records_of_version_2_are_renewed_by_overwrite(write, tmp_path):
    old = shutil.copytree(SCHEMA_2, tmp_path / "records")
    before = contents(old)
    with pytest.raises(UserError, match="version 2, which is only read") as e:
        write(old)
    assert "Pass --overwrite" in str(e.value) and "\n" not in str(e.value)
    assert contents(old) == before
    write(old, overwrite=True)
    write(tmp_path / "fresh")
    assert contents(old) == contents(tmp_path / "fresh")


@pytest.mark.parametrize("text", ["", "[]", "{}", None])
def test_a_changed_dataset_info_is_renewed_by_overwrite(write, tmp_path, text):
    write(tmp_path / "records")
    before = contents(tmp_path / "records")
    path = tmp_path / "records" / "dataset_info.json"
    if text is None:
        change(path.parent, "dataset", "other", new_hash=False)
    else:
        path.write_text(text)
    with pytest.raises(UserError, match="dataset_info.json.*--overwrite$"):
        write(tmp_path / "records")
    write(tmp_path / "records", overwrite=True)
    assert contents(tmp_path / "records") == before


def test_a_folder_with_other_files_is_refused(write, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("dear")
    with pytest.raises(UserError, match="which holds other files"):
        write(tmp_path / "home")


def test_a_missing_shard_is_written_again(write, tmp_path):
    write(tmp_path / "records")
    before = contents(tmp_path / "records")
    (tmp_path / "records" / "train-00001-of-00003.tfrecord").unlink()
    write(tmp_path / "records")
    assert contents(tmp_path / "records") == before


def test_a_full_disk_leaves_no_readable_records(write, tmp_path, monkeypatch):
    complete = write(tmp_path / "complete")
    real = record_maker.encode
    calls = []

    def full(image, *dtype):
        calls.append(image)
        if len(calls) == 8:
            raise OSError(28, "No space left on device")
        return real(image, *dtype)

    monkeypatch.setattr(record_maker, "encode", full)
    with pytest.raises(UserError, match="No space left on device"):
        write(tmp_path / "records")
    with pytest.raises(UserError, match="dataset_info.json is missing"):
        DatasetInfo.read(tmp_path / "records")
    monkeypatch.setattr(record_maker, "encode", real)
    write(tmp_path / "records")
    assert contents(tmp_path / "records") == contents(
        pathlib.Path(complete.folder)
    )


def test_shards_of_another_division_are_written_again(
    write, tmp_path, monkeypatch
):
    complete = write(tmp_path / "complete")
    with monkeypatch.context() as patch:
        # As if the images, of 20 x 20 pixels, had been larger: two per shard.
        patch.setattr(shard_sizes, "SHARD_MEGAPIXELS", 0.0008)
        patch.setattr(record_set, "finish", None)
        with pytest.raises(TypeError):
            write(tmp_path / "records")
    names = {path.name for path in (tmp_path / "records").iterdir()}
    assert "train-00000-of-00006.tfrecord.done.json" in names
    write(tmp_path / "records")
    assert contents(tmp_path / "records") == contents(
        pathlib.Path(complete.folder)
    )


@pytest.mark.slow
def test_a_run_killed_at_any_moment_is_resumed(
    write, data, encoder_file, tmp_path
):
    write(tmp_path / "whole", images_per_shard=1)
    command = [
        sys.executable,
        "-m",
        "pipelines.write_records",
        "--dataset=easy_vqa",
        f"--input={data}",
        f"--output={tmp_path / 'killed'}",
        f"--image_encoder={encoder_file}",
        "--batch_size=3",
        "--images_per_shard=1",
        "--validation_fraction=0.25",
    ]
    moments = random.Random(0)
    for _ in range(3):
        kill_after_more_files(command, tmp_path / "killed", moments)
    write(tmp_path / "killed", images_per_shard=1)
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


def kill_after_more_files(command, folder, moments):
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    written = len(list(folder.glob("*.tfrecord")))
    threshold = written + moments.randint(0, 4)
    while process.poll() is None:
        if (folder / "unfinished").exists() and (
            len(list(folder.glob("*.tfrecord"))) >= threshold
        ):
            time.sleep(moments.random() / 50)
            os.kill(process.pid, signal.SIGKILL)
        time.sleep(0.005)
    process.communicate()
