"""Small files in the published form of VizWiz-VQA."""

import json

import pytest

from vqa_keras.datasets.question import Question
from vqa_keras.errors import UserError
from vqa_keras.text.normalize import split as words_of

ANSWERS = ["basil leaves"] * 4 + ["basil"] * 5 + ["unsuitable"]


def asked(name="train", number=0, answers=ANSWERS, answer_type="other"):
    return {
        "image": f"VizWiz_{name}_{number:08d}.jpg",
        "question": "What is the name of this product?",
        "answers": [
            {"answer_confidence": "yes", "answer": answer} for answer in answers
        ],
        "answer_type": answer_type,
        "answerable": int(answer_type != "unanswerable"),
    }


def asked_without_answers(number=0):
    return {
        "image": f"VizWiz_test_{number:08d}.jpg",
        "question": "What is this?",
    }


def write(folder, name, rows):
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(rows))


def test_a_question_has_its_text_answers_types_and_image(folder, read_all):
    unanswerable = asked(
        number=3, answers=["unanswerable"] * 10, answer_type="unanswerable"
    )
    write(folder, "train", [asked(), unanswerable])
    first, second = read_all("vizwiz")["train"]
    assert first.image_id == "VizWiz_train_00000000.jpg"
    assert first.path == "train/VizWiz_train_00000000.jpg"
    (question,) = first.questions
    assert question == Question(
        question_id="0",
        question="What is the name of this product?",
        question_type="what",
        answer_type="other",
        answers=ANSWERS,
    )
    assert words_of(question.question) == (
        ["what", "is", "the", "name", "of", "this", "product"]
    )
    assert second.questions[0].answer_type == "unanswerable"
    assert second.questions[0].question_id == "1"


@pytest.mark.parametrize("below", ["", "Annotations", "annotations"])
def test_each_file_is_a_split(folder, read_all, below):
    write(folder / below, "train", [asked(number=i) for i in range(4)])
    write(folder / below, "val", [asked("val", i) for i in range(2)])
    write(folder / below, "test", [asked_without_answers(7)])
    splits = read_all("vizwiz")
    assert {split: len(images) for split, images in splits.items()} == {
        "train": 4,
        "validation": 2,
        "test": 1,
    }
    assert splits["validation"][0].path == "val/VizWiz_val_00000000.jpg"
    assert splits["test"][0].path == "test/VizWiz_test_00000007.jpg"
    assert splits["test"][0].questions == [Question("0", "What is this?")]


@pytest.mark.parametrize("images", ["images/train", "images"])
def test_images_may_be_in_other_folders(folder, read_all, images):
    write(folder, "train", [asked()])
    (folder / images).mkdir(parents=True)
    (folder / images / "VizWiz_train_00000000.jpg").touch()
    (image,) = read_all("vizwiz")["train"]
    assert image.path == f"{images}/VizWiz_train_00000000.jpg"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": 5}, "must have `image`, a string"),
        ({"image": "../5.jpg"}, "must have `image`, the name of an image"),
        ({"question": None}, "must have `question`, a string"),
        ({"answers": []}, "must have `answers`, a list of at least one"),
        ({"answers": [{"answer": 3}]}, "must have `answer`, a string"),
        ({"answer_type": 1}, "must have `answer_type`, a string"),
    ],
)
def test_an_error_names_the_invalid_row(folder, read_all, change, message):
    write(folder, "train", [asked(), asked(number=1) | change])
    with pytest.raises(UserError, match=f"train.json, row 1: {message}"):
        read_all("vizwiz")


def test_training_questions_need_answers(folder, read_all):
    write(folder, "train", [asked(), asked_without_answers()])
    with pytest.raises(UserError, match="row 1: must have `answers`"):
        read_all("vizwiz")


def test_errors_name_damaged_and_missing_files(folder, read_all):
    with pytest.raises(UserError, match="train.json, val.json, test.json"):
        read_all("vizwiz")
    path = folder / "train.json"
    path.write_text('[{"image": "a.jpg",\n "question" "b"}]')
    with pytest.raises(UserError, match="must be JSON at line 2, column 13"):
        read_all("vizwiz")
    for text in ("[]", '{"a": 1}'):
        path.write_text(text)
        with pytest.raises(UserError, match="at least one question"):
            read_all("vizwiz")
