"""`zoo.predict` given again: what it continues, and what it refuses."""

import pathlib
import signal

import pytest

from tests.fixtures.forked import forked
from tests.fixtures.many_questions import assert_same
from tests.fixtures.many_questions import write_lines

KILLED = pathlib.Path(__file__).with_name("killed_predict.py")


def test_half_a_line_is_cut_off_and_the_rest_continued(
    predict, questions, tmp_path
):
    flags = [f"--input={questions[0]}", "--batch_size=4"]
    expected, _ = predict(*flags)
    output = tmp_path / "out" / "answers.jsonl"
    whole = output.read_bytes()
    lines = whole.splitlines(keepends=True)
    for count in (0, 1, 4, 10):
        for end in (b"", lines[count][:1], lines[count][:-1], b"\0" * 99):
            kept = b"".join(lines[:count])
            output.write_bytes(kept + end)
            found, done = predict(*flags)
            assert_same(found, expected)
            assert output.read_bytes().startswith(kept)
            resumed = f"resumed      after {count} of 11 questions\n"
            assert done.stdout.startswith(resumed) == (count > 0)
    before = output.stat().st_mtime_ns
    found, done = predict(*flags)
    assert done.stdout.startswith("finished     ")
    assert_same(found, expected)
    assert output.stat().st_mtime_ns == before or output.read_bytes() == whole


@pytest.mark.slow
def test_a_killed_command_continues_without_a_line_lost_or_duplicate(
    predict, run, questions, folder, tmp_path
):
    path, lines = questions
    lines[2]["image"] = "none.png"
    write_lines(path, lines)
    flags = [f"--input={path}", "--batch_size=2"]
    output = tmp_path / "out" / "answers.jsonl"
    sizes = []
    with forked() as start:
        for point in ("line:4", "write:2", "write:1"):
            done = start(KILLED, point, run, *flags, f"--output={output}")
            assert done.returncode == -signal.SIGKILL, done.stderr
            sizes.append(len(output.read_bytes().splitlines()))
    assert sizes[0] == 2 and sizes[0] < sizes[1] <= sizes[2] < 11
    assert not output.read_bytes().endswith(b"\n")
    found, done = predict(*flags)
    assert "resumed      after " in done.stdout
    expected, again = predict(*flags, "--noresume")
    assert [line["question_id"] for line in found] == [
        line["question_id"] for line in lines
    ]
    assert found[2]["error"] == "missing_file"
    for a, b in zip(found, expected, strict=True):
        assert a.get("answers") == b.get("answers")
    counts = "11 lines, 1 with an error in place of answers: 1 missing_file"
    assert counts in done.stdout and counts in again.stdout


def test_an_output_of_other_settings_or_lines_is_kept(
    call, predict, run, questions, tmp_path
):
    path, lines = questions
    predict(f"--input={path}")
    output = tmp_path / "out" / "answers.jsonl"
    before = output.read_bytes()

    def refused(*flags):
        flags = [f"--input={path}", f"--output={output}", *flags]
        done = call("predict", run, *flags)
        assert done.status == 2 and "--noresume" in done.stderr
        assert done.stderr.count("\n") == 1
        return done.stderr

    assert "same top_k" in refused("--top_k=2")
    assert "same threshold" in refused("--threshold=0.5")
    assert "same images" in refused(f"--images={tmp_path}")
    write_lines(path, lines[:-1])
    assert "same input" in refused()
    write_lines(path, lines)
    assert output.read_bytes() == before
    swapped = before.splitlines(keepends=True)
    swapped = [swapped[1], swapped[0], *swapped[2:]]
    output.write_bytes(b"".join(swapped))
    assert "at line 1" in refused()
    assert output.read_bytes() == b"".join(swapped)
    output.write_bytes(before.replace(b"red", b"rod", 1))
    assert "must hold what was written at line" in refused()
    output.write_bytes(b"a\rb\x1b[2J\xff" * 9 + before)
    assert "must hold what was written at line" in refused()
    output.write_bytes(before)
    settings = output.with_name("answers.jsonl.settings.json")
    written = settings.read_bytes()
    settings.write_bytes(written.replace(b'"top_k": ', b'"top_k":  1'))
    assert "a changed one" in refused()
    settings.write_bytes(written)
    output.with_name("answers.jsonl.checksums").unlink()
    assert "without answers.jsonl.checksums" in refused()
    settings.unlink()
    assert "must be a new file" in refused()
