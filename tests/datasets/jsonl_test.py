import json

import pytest

from vqa_keras.datasets import jsonl
from vqa_keras.datasets.question import Question
from vqa_keras.datasets.question_table import QuestionTable
from vqa_keras.errors import UserError

LINE = {
    "question_id": 7,
    "image": "photos/door.jpg",
    "question": "What color is the door?",
    "answers": ["red", "red", "dark red"],
}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def read(tmp_path):
    def read(folder, **arguments):
        with QuestionTable(tmp_path / "table.sqlite") as table:
            jsonl.read(jsonl.find(folder), table, **arguments)
            table.finish()
            return {s: list(table.images(s)) for s in table.splits()}

    return read


def write(folder, *lines, split="train"):
    text = "\n".join(
        line if isinstance(line, str) else json.dumps(line) for line in lines
    )
    (folder / f"{split}.jsonl").write_text(text, encoding="utf-8")


def test_each_line_becomes_a_question_of_its_image(folder, read):
    write(
        folder,
        "\ufeff" + json.dumps(LINE),
        "",
        {
            "question_id": "b",
            "image": "photos/door.jpg",
            "question": "how many?",
            "answer": "3",
            "boxes": [[1, 2, 3.5, 4]],
            "question_type": "counting",
            "complementary_id": 7,
        },
    )
    ((image,),) = read(folder, validation_fraction=0).values()
    assert (image.image_id, image.path) == ("photos/door.jpg",) * 2
    first, second = image.questions
    assert first == Question(
        question_id="7",
        question="What color is the door?",
        question_type="what",
        answer_type="other",
        answers=["red", "red", "dark red"],
        object_boxes=[],
        complementary_id="",
    )
    assert second.answers == ["3"]
    assert second.answer_type == "number"
    assert second.question_type == "counting"
    assert second.complementary_id == "7"
    assert second.object_boxes == [[1, 2, 3.5, 4]]


def test_a_validation_file_keeps_training_images_whole(folder, read):
    lines = [{**LINE, "question_id": i, "image": f"{i}.png"} for i in range(20)]
    write(folder, *lines)
    assert [len(images) for images in read(folder).values()] == [18, 2]
    write(folder, LINE, split="validation")
    unlabeled = {key: LINE[key] for key in ("question_id", "image", "question")}
    write(folder, unlabeled, split="test")
    splits = read(folder)
    assert [len(images) for images in splits.values()] == [20, 1, 1]
    assert splits["test"][0].questions[0].answers == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"answers": [1]}, "`answers` must be a list of strings"),
        ({"answers": "red"}, "`answers` must be a list of strings"),
        ({"answers": []}, "must have `answers` or `answer`"),
        ({"answer": "red"}, "either `answers` or `answer`"),
        ({"image": 3}, "`image` must be a string"),
        ({"question_id": None}, "`question_id` must be an integer or a string"),
        ({"question_id": True}, "`question_id` must be an integer or a string"),
        ({"boxes": [[1, 2, 3]]}, "`boxes` must be a list"),
        ({"boxes": [[3, 2, 1, 4]]}, "`boxes` must be a list"),
        ({"awnser": "red"}, "Received: awnser"),
        ({"image": "../door.jpg"}, "below the folder"),
        ({"image": "/door.jpg"}, "below the folder"),
        ({"image": "link/door.jpg"}, "below the folder"),
    ],
)
def test_an_error_names_the_invalid_line(folder, read, change, message):
    (folder / "link").symlink_to(folder.parent)
    write(folder, LINE, {**LINE, "question_id": 8, **change})
    with pytest.raises(UserError, match=f"train.jsonl, line 2: .*{message}"):
        read(folder)


def test_a_link_inside_the_folder_is_followed(folder, read):
    (folder / "photos").mkdir()
    (folder / "link").symlink_to(folder / "photos")
    write(folder, {**LINE, "image": "link/door.jpg"})
    assert read(folder, validation_fraction=0)["train"]


def test_an_error_names_line_and_column_of_invalid_json(folder, read):
    write(folder, LINE, '{"question_id": 8, oops}')
    with pytest.raises(UserError, match="must be JSON at line 2, column 20"):
        read(folder)
    (folder / "train.jsonl").write_bytes(b'{"question": "caf\xe9"}')
    with pytest.raises(UserError, match="must be UTF-8 text at line 1"):
        read(folder)


def test_errors_name_missing_and_empty_files(folder, read):
    with pytest.raises(UserError, match=r"train\.jsonl.*Received: nothing"):
        read(folder)
    write(folder, "", "")
    with pytest.raises(UserError, match="at least one question"):
        read(folder)
    with pytest.raises(UserError, match="no --input"):
        jsonl.find()
