"""`zoo.predict`: the answers of `ask`, for many questions, to a file."""

import json
import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from vqa_keras.models import VQA
from vqa_keras.writing.image_reader import ImageReader

ROOT = pathlib.Path(__file__).parents[2]
KILLED = ROOT / "tests" / "zoo" / "killed_predict.py"
SIZES = [(16, 16), (40, 30), (9, 70), (100, 100), (21, 5)]
TEXTS = ["is it red?", "what color is the shape?", "", "is there a zebra"]


@pytest.fixture
def folder(tmp_path):
    """A folder of five images of five sizes and four formats."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for i, size in enumerate(SIZES):
        rng = np.random.default_rng(i)
        pixels = rng.integers(0, 256, (*size[::-1], 3), "uint8")
        name = ["0.png", "1.JPG", "more/2.bmp", "more/3.jpg", "4.webp"][i]
        Image.fromarray(pixels).save(folder / name)
    return folder


@pytest.fixture
def questions(folder):
    """A file of 11 questions about these images, and its lines."""
    names = sorted(
        p.relative_to(folder).as_posix() for p in folder.rglob("*.*")
    )
    lines = [
        {
            "question_id": i if i % 2 else f"q{i}",
            "image": names[i // 2 % 5],
            "question": TEXTS[i % 4],
        }
        for i in range(11)
    ]
    path = folder / "questions.jsonl"
    write_lines(path, lines)
    return path, lines


@pytest.fixture
def predict(call, run, tmp_path):
    """Returns `predict(*flags)`: the lines of the output, and `Done`."""

    def predict(*flags):
        output = tmp_path / "out" / "answers.jsonl"
        done = call("predict", run, *flags, f"--output={output}")
        assert done.status == 0, done.stderr
        return read_lines(output), done

    return predict


def write_lines(path, lines):
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def read_lines(path):
    text = path.read_text(encoding="utf-8")
    assert text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def assert_same(found, expected):
    for a, b in zip(found, expected, strict=True):
        assert {**a, "probabilities": 0} == {**b, "probabilities": 0}
        np.testing.assert_allclose(
            a["probabilities"], b["probabilities"], atol=1e-6
        )


def test_every_line_has_the_answers_of_ask(predict, run, questions, folder):
    path, lines = questions
    found, done = predict(f"--input={path}", "--top_k=3", "--batch_size=4")
    task = VQA.from_preset(str(run))
    assert [list(line) for line in found] == [
        ["question_id", "image", "question", "answers", "probabilities"]
    ] * 11
    answers = [
        task.ask(folder / line["image"], line["question"], top_k=3)
        for line in lines
    ]
    expected = [
        {**line, "answers": a.answers, "probabilities": a.probabilities}
        for line, a in zip(lines, answers, strict=True)
    ]
    assert_same(found, expected)
    assert len({tuple(line["probabilities"]) for line in found}) > 5
    assert "11 / 11 questions" in done.stderr
    assert done.stdout.endswith("answers.jsonl: 11 lines\n")


@pytest.mark.parametrize("batch_size", [1, 11, 32])
def test_the_batch_size_changes_nothing(predict, questions, batch_size):
    flags = [f"--input={questions[0]}", "--noresume"]
    expected, _ = predict(*flags, "--batch_size=4")
    found, _ = predict(*flags, f"--batch_size={batch_size}")
    assert_same(found, expected)
    assert len(found[0]["answers"]) == 5  # as many as there are


def test_a_csv_file_gives_the_same_as_the_jsonl_file(predict, questions):
    path, lines = questions
    expected, _ = predict(f"--input={path}")
    rows = [
        f"{line['image']};{line['question'] or '?'};{line['question_id']}"
        for line in lines
    ]
    csv = path.with_suffix(".csv")
    csv.write_text("\n".join(["image;question;question_id", *rows]))
    found, _ = predict(f"--input={csv}", "--noresume")
    for line in expected:
        line["question_id"] = str(line["question_id"])
        line["question"] = line["question"] or "?"
    assert_same(found, expected)


def test_images_may_be_below_another_folder(predict, questions, tmp_path):
    path, _ = questions
    expected, _ = predict(f"--input={path}")
    moved = path.rename(tmp_path / "moved.jsonl")
    flags = [f"--input={moved}", f"--images={path.parent}", "--noresume"]
    assert_same(predict(*flags)[0], expected)


def test_every_image_of_a_folder_gets_the_question(predict, run, folder):
    (folder / "notes.txt").write_text("no image")
    (folder / "._0.png").write_bytes(b"resources of macOS")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "0.png").write_bytes(b"a thumbnail")
    (folder / "folder.png").mkdir()
    (folder / "broken.png").write_bytes(b"")
    found, done = predict(f"--input={folder}", "--question=is it red?")
    names = ["0.png", "1.JPG", "4.webp", "broken.png", "more/2.bmp"]
    names.append("more/3.jpg")
    assert [line["question_id"] for line in found] == names
    assert [line["image"] for line in found] == names
    assert {line["question"] for line in found} == {"is it red?"}
    assert found.pop(3)["error"] == "empty_file"
    task = VQA.from_preset(str(run))
    for line in found:
        answer = task.ask(folder / line["image"], "is it red?")
        assert line["answers"] == answer.answers
    assert "1 with an error in place of answers: 1 empty_file" in done.stdout


def test_a_bad_image_costs_its_own_line_only(predict, questions, folder):
    path, lines = questions
    expected, _ = predict(f"--input={path}", "--batch_size=4")
    whole = (folder / "0.png").read_bytes()
    (folder / "half.png").write_bytes(whole[: len(whole) // 2])
    (folder / "text.jpg").write_text("404 not found")
    bad = ["half.png", "none.png", "text.jpg", "more", "none.png"]
    errors = ["truncated", "missing_file", "not_an_image", "unreadable_file"]
    errors.append("missing_file")
    for i, name in enumerate(bad):
        lines.insert(3 * i, {**lines[0], "question_id": 90 + i, "image": name})
    write_lines(path, lines)
    flags = [f"--input={path}", "--batch_size=4", "--noresume"]
    found, done = predict(*flags)
    assert [line["question_id"] for line in found] == [
        line["question_id"] for line in lines
    ]
    for i, error in enumerate(errors):
        assert found[3 * i] == {**lines[3 * i], "error": error}
    assert_same([line for line in found if "error" not in line], expected)
    assert "16 lines, 5 with an error in place of answers: 2 mis" in done.stdout


def test_images_that_are_all_bad_have_lines_too(predict, tmp_path):
    (tmp_path / "a.png").write_bytes(b"GIF8")
    found, _ = predict(f"--input={tmp_path}", "--question=what?")
    assert [line["error"] for line in found] == ["truncated"]


def test_an_answer_below_the_threshold_is_empty(predict, questions):
    flags = [f"--input={questions[0]}", "--noresume"]
    plain, done = predict(*flags)
    assert "threshold" not in done.stdout
    best = sorted(line["probabilities"][0] for line in plain)
    threshold = (best[5] + best[6]) / 2
    found, done = predict(*flags, f"--threshold={threshold}")
    for line in plain:
        line["answers"] = [
            answer if p >= threshold else ""
            for answer, p in zip(
                line["answers"], line["probabilities"], strict=True
            )
        ]
    assert_same(found, plain)
    firsts = [line["answers"][0] for line in found]
    assert firsts.count("") == 6
    assert f'threshold    6 answers below {threshold:g} are ""' in done.stdout


def test_consecutive_questions_decode_their_image_once(
    predict, questions, monkeypatch
):
    names = []
    read = ImageReader.read

    def counted(self, image):
        names.append(image.path)
        return read(self, image)

    monkeypatch.setattr(ImageReader, "read", counted)
    path, lines = questions  # two of each of five images, then the first
    predict(f"--input={path}", "--batch_size=1")
    images = [line["image"] for line in lines]
    assert sorted(names) == sorted([*images[::2]])


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
    for point in ("line:4", "write:2", "write:1"):
        done = subprocess.run(
            [sys.executable, KILLED, point, run, *flags, f"--output={output}"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
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
    settings = output.with_name("answers.jsonl.settings.json")
    settings.unlink()
    assert "must be a new file" in refused()


def test_the_input_is_never_overwritten(call, run, questions):
    path, _ = questions
    before = path.read_bytes()
    flags = [f"--input={path}", f"--output={path}", "--noresume"]
    done = call("predict", run, *flags)
    assert done.status == 2
    assert "--output must be another file than --input" in done.stderr
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--input=none"], "--input must be a folder of images, or a .jsonl"),
        (["--input=photos"], "--question must be given for a folder"),
        (["--input=q.jsonl", "--question=?"], "--question must be given for"),
        (
            ["--input=photos", "--question=?", "--images=photos"],
            "--images must be the folder of the images of a file",
        ),
        (["--input=q.jsonl", "--images=none"], "--images must be a folder"),
        (["--input=q.jsonl", "--threshold=1.5"], "--threshold must be"),
        (["--input=q.jsonl", "--threshold=nan"], "--threshold must be"),
        (["--input=q.jsonl", "--top_k=0"], "--top_k"),
        (["--input=q.jsonl", "--batch_size=0"], "--batch_size"),
        (
            ["--input=q.jsonl"],
            "q.jsonl, line 1: must have the key `question_id",
        ),
    ],
)
def test_a_mistake_is_named_before_the_run_is_loaded(
    call, folder, tmp_path, monkeypatch, flags, message
):
    monkeypatch.chdir(tmp_path)
    write_lines(tmp_path / "q.jsonl", [{"image": "a.png", "question": "?"}])
    done = call("predict", tmp_path / "no_run", *flags, "--output=a.jsonl")
    assert (done.status, done.stdout) == (2, "")
    assert message in done.stderr
    assert not (tmp_path / "a.jsonl").exists()
