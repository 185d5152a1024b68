"""`zoo.predict`: the answers of `ask`, for many questions, to a file."""

import numpy as np
import pytest

from tests.fixtures.many_questions import assert_same
from tests.fixtures.many_questions import write_lines
from vqa_keras.datasets.asked_questions import AskedQuestions
from vqa_keras.errors import UserError
from vqa_keras.models import VQA
from vqa_keras.runs.answer_many import answer_many
from vqa_keras.writing.image_reader import ImageReader


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


def test_probabilities_that_are_not_finite_are_refused(run, questions, folder):
    task = VQA.from_preset(str(run))
    bias = task.answer_dense.bias
    bias.assign(np.full(bias.shape, np.nan))
    asked = AskedQuestions(questions[0])
    with pytest.raises(UserError, match="finite probabilities. Received: nan"):
        next(answer_many(task, asked, folder))
