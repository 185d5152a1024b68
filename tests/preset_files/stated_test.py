"""results.json names each file of a preset, and itself."""

import json
import os

import pytest

from vqa_keras import preset_files
from vqa_keras.errors import UserError

CONTENT = {
    "config.json": b"{}",
    "model.weights.h5": bytes(range(64)),
    "assets/tokenizer/vocabulary.txt": b"[PAD]\n",
    "image_encoder/config.json": b"[]",
    "example.png": b"png",
}


@pytest.fixture
def folder(tmp_path):
    """A preset whose results.json names its files."""
    for name, content in CONTENT.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    files = preset_files.describe(tmp_path)
    preset_files.write_results(tmp_path, {"seed": 0, "files": files})
    return tmp_path


def refusal(folder):
    with pytest.raises(UserError) as refused:
        preset_files.check(folder)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_whole_preset_is_accepted(folder):
    values = preset_files.check(folder)
    assert values["files"].keys() == CONTENT.keys()
    assert values["files"]["config.json"]["bytes"] == 2


def test_a_folder_without_results_is_not_compared(folder):
    (folder / "results.json").unlink()
    (folder / "config.json").unlink()
    assert preset_files.check(folder) is None


@pytest.mark.parametrize("name", CONTENT)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    assert refusal(folder).startswith(f"{folder / name} must be the file of ")


@pytest.mark.parametrize("name", CONTENT)
def test_a_longer_file_is_named(folder, name):
    with open(folder / name, "ab") as file:
        file.write(b"\n")
    message = refusal(folder)
    assert message.startswith(f"{folder / name} must be the file of ")
    assert message.endswith(f"Received: {len(CONTENT[name]) + 1} bytes")


@pytest.mark.parametrize("bit", [0, 3, 7])
@pytest.mark.parametrize("name", CONTENT)
def test_a_flipped_bit_is_named(folder, name, bit):
    preset_files.check(folder)  # its hashes are known in this process
    path = folder / name
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1 << bit
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert refusal(folder).startswith(f"{path} must have the content that")


def test_no_flipped_bit_of_results_is_read_as_another_content(folder):
    path = folder / "results.json"
    content, values = path.read_bytes(), preset_files.check(folder)
    for i in range(len(content)):
        for bit in range(8):
            flipped = bytearray(content)
            flipped[i] ^= 1 << bit
            path.write_bytes(flipped)
            try:
                assert preset_files.check(folder) == values
            except UserError as error:
                assert str(path) in str(error)


@pytest.mark.parametrize("key", ["files", "sha256"])
def test_results_without_one_of_the_two_keys_are_refused(folder, key):
    path = folder / "results.json"
    values = json.loads(path.read_text())
    del values[key]
    path.write_text(json.dumps(values))
    assert refusal(folder).endswith(f"Received: a file without {key}")


def test_an_older_run_names_no_files(folder):
    (folder / "results.json").write_text('{"seed": 0}')
    (folder / "model.weights.h5").write_bytes(b"")
    assert preset_files.check(folder) == {"seed": 0}


@pytest.mark.parametrize(
    "name", ["task.weights.h5", "model.weights.json", "assets/other.txt"]
)
def test_an_added_part_of_a_preset_is_named(folder, name):
    (folder / name).write_bytes(b"")
    assert refusal(folder).startswith(f"{folder / name} must not be in the")


@pytest.mark.parametrize(
    "name", ["notes.txt", "training/model.weights.h5", "seed_3/config.json"]
)
def test_other_files_may_lie_beside_a_preset(folder, name):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"")
    preset_files.check(folder)


def test_checkpoints_and_the_runs_of_an_ensemble_are_not_described(folder):
    for name in ("training/log.json", "seed_0/config.json", ".tmp/x"):
        (folder / name).parent.mkdir()
        (folder / name).write_bytes(b"")
    assert preset_files.describe(folder).keys() == CONTENT.keys()


@pytest.mark.parametrize(
    "files",
    [
        [],
        {"config.json": "00"},
        {"config.json": {"sha256": "00", "bytes": 2}},
        {"config.json": {"sha256": "0f" * 32, "bytes": True}},
        {"../config.json": {"sha256": "0f" * 32, "bytes": 2}},
        {"/config.json": {"sha256": "0f" * 32, "bytes": 2}},
        {"C:config.json": {"sha256": "0f" * 32, "bytes": 2}},
    ],
)
def test_names_that_leave_the_folder_are_refused(folder, files):
    preset_files.write_results(folder, {"files": files})
    assert "files must be sha256 and bytes by the names" in refusal(folder)


def test_a_preset_that_is_replaced_while_it_is_read_is_refused(folder):
    with pytest.raises(UserError, match="model.weights.h5 must have the"):
        with preset_files.checked(folder):
            (folder / "model.weights.h5").write_bytes(bytes(64))


def test_a_run_that_is_replaced_while_it_is_read_is_refused(folder):
    files = preset_files.describe(folder)
    with pytest.raises(UserError, match="must stay as it is while"):
        with preset_files.checked(folder):
            preset_files.write_results(folder, {"seed": 1, "files": files})
    with pytest.raises(UserError, match="must stay as it is while"):
        with preset_files.checked(folder):
            (folder / "results.json").unlink()


def test_a_replacement_explains_the_error_of_reading(folder):
    with pytest.raises(UserError, match="config.json must be the file"):
        with preset_files.checked(folder):
            (folder / "config.json").unlink()
            raise KeyError("registered_name")


def test_a_huge_results_file_is_refused_before_it_is_read(folder):
    with open(folder / "results.json", "ab") as file:
        file.truncate(2**24 + 1)
    assert "at most 16,777,216 bytes" in refusal(folder)
