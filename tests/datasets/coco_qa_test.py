"""Small files in the published form of COCO-QA."""

import pytest

from vqa_keras.datasets.question import Question
from vqa_keras.errors import UserError
from vqa_keras.text.normalize import split as words_of

TRAIN = {
    "questions.txt": "what is the color of the horses\nhow many elephants\n",
    "answers.txt": "brown\ntwo\n",
    "img_ids.txt": "312421\n9\n",
    "types.txt": "2\n1\n",
}
TEST = {
    "questions.txt": "what are sitting on the shelf\n",
    "answers.txt": "books\n",
    "img_ids.txt": "42\n",
    "types.txt": "0\n",
}


def write(folder, files, split="train"):
    (folder / split).mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / split / name).write_text(text)


def test_a_question_has_its_text_answer_type_and_image(folder, read_all):
    write(folder, TRAIN)
    first, second = read_all("coco_qa")["train"]
    assert first.image_id == "312421"
    assert first.path == "train2014/COCO_train2014_000000312421.jpg"
    (question,) = first.questions
    assert question == Question(
        question_id="1",
        question="what is the color of the horses",
        question_type="color",
        answer_type="other",
        answers=["brown"],
    )
    assert words_of(question.question) == (
        ["what", "is", "the", "color", "of", "the", "horses"]
    )
    assert second.questions[0].question_id == "2"
    assert second.questions[0].question_type == "number"


def test_each_folder_is_a_split(folder, read_all):
    write(folder, TRAIN)
    write(folder, TEST, "test")
    splits = read_all("coco_qa")
    assert {split: len(images) for split, images in splits.items()} == {
        "train": 2,
        "test": 1,
    }
    (image,) = splits["test"]
    assert image.path == "val2014/COCO_val2014_000000000042.jpg"
    assert image.questions[0].question_type == "object"


@pytest.mark.parametrize(
    "path",
    [
        "val2014/COCO_val2014_000000000009.jpg",
        "images/COCO_train2014_000000000009.jpg",
        "images/train2014/COCO_train2014_000000000009.jpg",
        "images/000000000009.jpg",
        "train2014/000000000009.jpg",
    ],
)
def test_images_may_have_other_folders_and_names(folder, read_all, path):
    write(folder, TRAIN)
    (folder / path).parent.mkdir(parents=True)
    (folder / path).touch()
    assert read_all("coco_qa")["train"][1].path == path


def test_types_are_optional(folder, read_all):
    write(folder, TRAIN)
    (folder / "train" / "types.txt").unlink()
    images = read_all("coco_qa")["train"]
    assert [i.questions[0].question_type for i in images] == ["what", "how"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("answers.txt", "brown\n", "answers.txt, line 2: must have a text"),
        (
            "answers.txt",
            "brown\ntwo\nred\n",
            "questions.txt, line 3: must have a text",
        ),
        ("questions.txt", "\nwhat\n", "questions.txt, line 1: must have a"),
        ("img_ids.txt", "9\nx\n", "img_ids.txt, line 2: must have the id"),
        ("img_ids.txt", "-9\n1\n", "img_ids.txt, line 1: must have the id"),
        ("types.txt", "1\n7\n", "types.txt, line 2: .*types 0, 1, 2 and 3"),
    ],
)
def test_an_error_names_file_and_line(folder, read_all, name, text, message):
    write(folder, {**TRAIN, name: text})
    with pytest.raises(UserError, match=message):
        read_all("coco_qa")


def test_errors_name_missing_files(folder, read_all):
    with pytest.raises(UserError, match="train/questions.txt.*: nothing"):
        read_all("coco_qa")
    write(folder, TRAIN)
    (folder / "train" / "answers.txt").unlink()
    with pytest.raises(UserError, match="answers.txt must be a readable file"):
        read_all("coco_qa")
