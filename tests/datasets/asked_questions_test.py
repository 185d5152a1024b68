"""The questions to answer: what is read, and what a bad line is told."""

import json

import pytest

from vqa_keras.datasets.asked_questions import AskedQuestion
from vqa_keras.datasets.asked_questions import AskedQuestions
from vqa_keras.errors import UserError


@pytest.fixture
def read(tmp_path):
    """Returns `read(name, content)`: the questions of a file."""

    def read(name, content):
        path = tmp_path / name
        path.write_bytes(content)
        return list(AskedQuestions(path))

    return read


def test_fields_of_training_are_allowed_and_ids_keep_their_type(read):
    line = {
        "question_id": 7,
        "image": "a/b.jpg",
        "question": "what?",
        "answers": ["red"],
        "boxes": [[1, 2, 3, 4]],
    }
    text = json.dumps(line) + "\n\n" + json.dumps({**line, "question_id": "7"})
    assert read("q.jsonl", b"\xef\xbb\xbf" + text.encode()) == [
        AskedQuestion(7, "a/b.jpg", "what?"),
        AskedQuestion("7", "a/b.jpg", "what?"),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_file_is_read_by_its_header(read, delimiter):
    rows = [
        ["question", "answers", "question_id", "image"],
        ['"what ""is"" it, or; not?\nsay"', "red|blue", "q7", "a.jpg"],
        [],
        ["who?", "", "", "b c.jpg"],
    ]
    text = "\r\n".join(delimiter.join(row) for row in rows)
    assert read("q.CSV", b"\xef\xbb\xbf" + text.encode()) == [
        AskedQuestion("q7", "a.jpg", 'what "is" it, or; not?\nsay'),
        AskedQuestion(5, "b c.jpg", "who?"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("q.csv", "a.jpg,what?\n", "line 1: must be a header.*a.jpg,what"),
        ("q.csv", "", "line 1: must be a header.*Received: nothing"),
        ("q.csv", "image,question\na.jpg\n", "line 2: must have 2 cells.*: 1"),
        ("q.csv", "image,question\n,what?\n", "line 2: must have the key `ima"),
        ("q.csv", 'image,question\na,b\na,"b\n', "line 3: .*each quote closed"),
        ("q.csv", "image,question,colour\na,b,c", "line 2: .*Received: colour"),
        ("q.csv", "image,question\n/etc/a.jpg,what?", "below the folder"),
        ("q.csv", "image,question\n../a.jpg,what?", "below the folder"),
        ("q.csv", b"image,question\na,\xff", "must be UTF-8 text"),
        ("q.jsonl", "{", "must be JSON at line 1"),
        ("q.jsonl", "[]", "line 1: must be a JSON object"),
        ("q.jsonl", '{"image": "a", "question": "b"}', "key `question_id`"),
        (
            "q.jsonl",
            '{"image": 1, "question": "b", "question_id": 1}',
            "`image` must be a string",
        ),
    ],
)
def test_a_bad_line_is_named(read, name, content, message):
    content = content if isinstance(content, bytes) else content.encode()
    with pytest.raises(UserError, match=message):
        read(name, content)


@pytest.mark.parametrize(
    ("name", "content"), [("q.jsonl", "\n\n"), ("q.csv", "image,question\n")]
)
def test_an_empty_source_is_refused(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match="at least one question"):
        AskedQuestions(tmp_path / name).count()
    with pytest.raises(UserError, match="at least one image. Received: none"):
        AskedQuestions(tmp_path, question="what?").count()


def test_the_hash_is_that_of_the_questions(tmp_path):
    (tmp_path / "b.png").write_bytes(b"b")
    first = AskedQuestions(tmp_path, question="what?").sha256()
    (tmp_path / "notes.txt").write_text("no image")
    assert AskedQuestions(tmp_path, question="what?").sha256() == first
    (tmp_path / "a.png").write_bytes(b"a")
    assert AskedQuestions(tmp_path, question="what?").sha256() != first
