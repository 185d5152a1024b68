"""Tests of the modules that the benchmarks of faults and memory use."""

import pathlib
import runpy
import subprocess
import sys

import pytest

from vqa_keras.images import UnreadableImage
from vqa_keras.images import decode

SUPPORT = pathlib.Path(__file__).parents[1] / "benchmarks" / "support"
CORRUPT = runpy.run_path(str(SUPPORT / "corrupt.py"))
SYSTEM = runpy.run_path(str(SUPPORT / "system.py"))
JSONL_SET = runpy.run_path(str(SUPPORT / "jsonl_set.py"))


def test_there_are_twenty_kinds_of_corrupted_images():
    assert len(CORRUPT["kinds"]()) == 20


@pytest.mark.parametrize("kind", CORRUPT["kinds"]())
def test_a_corrupted_image_cannot_be_read(tmp_path, kind):
    path = tmp_path / "image.png"
    path.write_bytes(b"whole")
    CORRUPT["corrupt"](path, kind)
    if path.is_file():
        with pytest.raises(UnreadableImage):
            decode(path.read_bytes())
    else:
        assert kind in ("missing file", "folder instead")


def test_every_tenth_image_is_a_test_image(tmp_path):
    written = JSONL_SET["write"](tmp_path, 20, files=3)
    assert [path.name for _, path in written[:4]] == [
        "0.png",
        "1.png",
        "2.png",
        "0.png",
    ]
    for split, questions in (("train", 18 * 3), ("test", 2 * 3)):
        lines = (tmp_path / f"{split}.jsonl").read_text().splitlines()
        assert len(lines) == questions


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_descendants_are_found_by_a_word_of_their_command(tmp_path):
    script = "import sys; print(flush=True); sys.stdin.read()"
    shell = f"{sys.executable} -c '{script}' a_word; true"
    process = subprocess.Popen(
        ["sh", "-c", shell],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    process.stdout.readline()
    found = SYSTEM["descendants"](process.pid, "a_word")
    assert len(found) == 1 and found != [process.pid]
    assert SYSTEM["descendants"](process.pid, "no_such_word") == []
    SYSTEM["kill"](process)
    assert process.returncode == -9
    process.stdin.close()
    process.stdout.close()
