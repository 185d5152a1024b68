import importlib.util
import json

import pytest

from vqa_keras.datasets import easy_vqa
from vqa_keras.datasets.question_table import QuestionTable
from vqa_keras.errors import UserError


@pytest.fixture
def folder(tmp_path):
    for split in ("train", "test"):
        (tmp_path / split / "images").mkdir(parents=True)
        write(
            tmp_path,
            [
                [f"what color is it in {i // 2}?", "blue", i // 2]
                for i in range(40)
            ],
            split,
        )
    return tmp_path


@pytest.fixture
def read(tmp_path):
    """Returns `read(folder, ...)`, which gives `{split: [image, ...]}`."""

    def read(folder, *arguments, **named):
        with QuestionTable(tmp_path / "table.sqlite") as table:
            easy_vqa.read(folder, table, *arguments, **named)
            table.finish()
            return {
                split: list(table.images(split)) for split in table.splits()
            }

    return read


def write(folder, rows, split="train"):
    (folder / split / "questions.json").write_text(json.dumps(rows))


def ids(images):
    return [image.image_id for image in images]


def test_images_are_in_the_order_of_their_ids(folder, read):
    write(folder, [["is it?", "yes", i] for i in (10, 9, 100, 9)])
    train = read(folder, validation_fraction=0)["train"]
    assert ids(train) == ["train-9", "train-10", "train-100"]
    assert [q.question_id for q in train[0].questions] == [
        "train-1",
        "train-3",
    ]


def test_questions_keep_their_text_and_get_types(folder, read):
    rows = [
        ["What color is the shape?", "blue", 0],
        ["what is the blue shape?", "circle", 0],
        ["is there a circle?", "yes", 0],
        ["", "no", 0],
    ]
    write(folder, rows)
    (image,) = read(folder, validation_fraction=0)["train"]
    questions = image.questions
    assert [q.question for q in questions] == [row[0] for row in rows]
    assert [q.answers for q in questions] == [[row[1]] for row in rows]
    assert [(q.question_type, q.answer_type) for q in questions] == [
        ("color", "other"),
        ("shape", "other"),
        ("yes/no", "yes/no"),
        ("yes/no", "yes/no"),
    ]
    assert image.path == "train/images/0.png"


def test_validation_is_a_tenth_of_the_images_and_in_no_other_split(
    folder, read
):
    splits = read(folder)
    train, validation = (
        set(ids(splits["train"])),
        set(ids(splits["validation"])),
    )
    assert (len(train), len(validation)) == (18, 2)
    assert not train & validation
    assert len(splits["test"]) == 20


def test_the_seed_chooses_the_validation_images(folder, read):
    chosen = [
        tuple(ids(read(folder, 0.3, seed)["validation"])) for seed in (0, 0, 1)
    ]
    assert chosen[0] == chosen[1]
    assert chosen[0] != chosen[2]


def test_an_empty_validation_split_is_omitted(folder, read):
    assert set(read(folder, 0)) == {"train", "test"}
    with pytest.raises(UserError, match="less than 1. Received: 1.0"):
        read(folder, 1.0)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", "[1]", '[["a", "b"]]', '[["a", 1, 2]]']
    + ['[["a", "b", "2"]]', '[["a", "b", true]]', '[["a", "b", -1]]'],
)
def test_an_error_names_the_invalid_file(folder, read, text):
    (folder / "test" / "questions.json").write_text(text)
    with pytest.raises(UserError, match=r"test.questions\.json.*must be"):
        read(folder)


def test_an_error_names_the_number_of_the_invalid_row(folder, read):
    write(folder, [["is it?", "yes", 0], ["is it?", None, 0]])
    with pytest.raises(UserError, match='row 1: must be .*"is it.", null, 0'):
        read(folder)


def test_characters_that_utf8_cannot_encode_are_replaced(folder, read):
    write(folder, [["is \ud800 it?", "yes", 0]])
    (image,) = read(folder, 0)["train"]
    assert image.questions[0].question == "is ? it?"


def test_a_folder_of_another_layout_is_refused(folder):
    (folder / "test" / "questions.json").unlink()
    with pytest.raises(UserError, match="without test/questions.json"):
        easy_vqa.find(folder)


def test_an_error_names_the_missing_package(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install vqa-keras\[data\]"):
        easy_vqa.find()


@pytest.mark.slow
def test_the_installed_package_has_the_published_counts(read):
    splits = read(easy_vqa.find())
    questions = {
        split: sum(len(image.questions) for image in images)
        for split, images in splits.items()
    }
    assert questions["test"] == 9673
    assert questions["train"] + questions["validation"] == 38575
    assert len(splits["validation"]) == 400
