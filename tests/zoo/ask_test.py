"""`zoo.ask`: answers, and the file that shows their attention."""

import os

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def picture(tmp_path):
    pixels = np.full((20, 30, 3), 240, "uint8")
    pixels[4:10, 4:10] = (220, 20, 20)
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


@pytest.mark.slow
def test_ask_prints_answers_and_shows_their_attention(
    call, run, picture, tmp_path
):
    page = tmp_path / "new" / "answer.html"
    arguments = [run, f"--image={picture}", f"--output={page}"]
    done = call("ask", *arguments, "--question=is it red?", "--top_k=3")
    assert done.status == 0, done.stderr
    lines = done.stdout.splitlines()
    percent = [float(line.split("%")[0]) for line in lines[:3]]
    assert percent == sorted(percent, reverse=True)
    assert lines[3] == f"attention    {page}"
    text = page.read_text(encoding="utf-8")
    assert text.count("<article") == 1 and "is it red?" in text
    assert text.count("data:image/png;base64,") == 3  # image and two hops
    assert text.count("<li") == 3 and "True answer" not in text
    for question in ("", "???", "xyzzy " * 2000):
        done = call("ask", *arguments, f"--question={question}")
        assert done.status == 0, done.stderr
        assert "nan" not in done.stdout
    done = call("ask", *arguments, "--question=a zebra is it not red?")
    assert "\nnot used     zebra, not\n" in done.stdout
    assert "words not used: zebra, not" in page.read_text(encoding="utf-8")


def test_ask_writes_a_strip_of_heat_maps_or_nothing(
    call, run, picture, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    arguments = [run, f"--image={picture}", "--question=is it red?"]
    done = call("ask", *arguments, "--top_k=3")
    assert done.status == 0, done.stderr
    answers = done.stdout
    assert len(answers.splitlines()) == 3
    assert set(tmp_path.iterdir()) == before
    output = tmp_path / "answer.PNG"
    done = call("ask", *arguments, "--top_k=3", f"--output={output}")
    assert done.status == 0, done.stderr
    assert done.stdout == f"{answers}attention    {output}\n"
    with Image.open(output) as drawn:
        assert drawn.format == "PNG"
        assert drawn.size == (3 * 256 + 2 * 8, 171)  # image and two hops


@pytest.mark.parametrize("name", ["x.jpg", "x", "x.html.txt", ""])
def test_ask_refuses_another_ending_before_it_loads_the_run(
    call, tmp_path, name
):
    flags = ["--image=none.png", "--question=is it red?", f"--output={name}"]
    done = call("ask", tmp_path / "no_run", *flags)
    assert (done.status, done.stdout) == (2, "")
    expected = f"--output must end in .html or .png. Received: {name}\n"
    assert done.stderr == f"error: {expected}"


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_ask_refuses_an_unreadable_image(call, run, tmp_path, content):
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    done = call("ask", run, f"--image={path}", "--question=is it red?")
    assert done.status == 2
    assert done.stderr.startswith(f"error: --image={path}: ")
    assert done.stderr.count("\n") == 1


def test_ask_names_a_missing_image(call, run, tmp_path):
    path = tmp_path / "none.png"
    done = call("ask", run, f"--image={path}", "--question=is it red?")
    assert done.status == 2
    assert str(path) in done.stderr


@pytest.mark.parametrize("name", ["answer.html", "answer.png"])
def test_ask_names_an_output_that_cannot_be_written(
    call, run, picture, tmp_path, name
):
    (tmp_path / "file").write_text("mine")
    output = tmp_path / "file" / name
    flags = [
        f"--image={picture}",
        "--question=is it red?",
        f"--output={output}",
    ]
    done = call("ask", run, *flags)
    assert done.status == 2
    assert done.stderr.startswith("error: --output cannot be written: [Errno")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["answer.html", "answer.png"])
def test_ask_leaves_the_file_before_it_until_the_new_one_is_whole(
    call, run, picture, tmp_path, monkeypatch, name
):
    def fail(*_):
        raise OSError(5, "the power is gone")

    output = tmp_path / "out" / name
    output.parent.mkdir()
    output.write_text("before")
    monkeypatch.setattr(os, "replace", fail)
    flags = [
        f"--image={picture}",
        "--question=is it red?",
        f"--output={output}",
    ]
    done = call("ask", run, *flags)
    assert done.status == 2
    assert "--output cannot be written: [Errno 5] the power" in done.stderr
    assert [path.name for path in output.parent.iterdir()] == [name]
    assert output.read_text() == "before"
