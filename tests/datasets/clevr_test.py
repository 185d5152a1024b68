"""Small files in the published form of CLEVR v1.0."""

import json

import pytest

from vqa_keras.datasets.question import Question
from vqa_keras.errors import UserError
from vqa_keras.text.normalize import split as words_of

TEXT = "Are there more big green things than large purple shiny cubes?"


def asked(name="train", image=0, question=0, answer="yes"):
    return {
        "image_index": image,
        "program": [
            {"inputs": [], "function": "scene", "value_inputs": []},
            {"inputs": [0], "function": "count", "value_inputs": []},
            {"inputs": [1, 1], "function": "greater_than", "value_inputs": []},
        ],
        "question_index": question,
        "image_filename": f"CLEVR_{name}_{image:06d}.png",
        "question_family_index": 2,
        "split": name,
        "answer": answer,
        "question": TEXT,
    }


def write(folder, name, questions):
    folder.mkdir(exist_ok=True)
    info = {"split": name, "license": "made for a test", "version": "1.0"}
    content = {"info": info, "questions": questions}
    path = folder / f"CLEVR_{name}_questions.json"
    path.write_text(json.dumps(content))


def test_a_question_has_its_text_answer_type_and_image(folder, read_all):
    questions = [asked(question=4), asked(question=5, answer="3")]
    write(folder / "questions", "train", questions)
    (image,) = read_all("clevr")["train"]
    assert image.image_id == "CLEVR_train_000000.png"
    assert image.path == "images/train/CLEVR_train_000000.png"
    first, second = image.questions
    assert first == Question(
        question_id="4",
        question=TEXT,
        question_type="greater_than",
        answer_type="yes/no",
        answers=["yes"],
    )
    assert words_of(first.question) == (
        "are there more big green things than large purple shiny cubes".split()
    )
    assert (second.answers, second.answer_type) == (["3"], "number")


@pytest.mark.parametrize("below", ["", "questions"])
def test_each_file_is_a_split(folder, read_all, below):
    for name, images in (("train", 3), ("val", 2)):
        questions = [asked(name, i // 2, i) for i in range(2 * images)]
        write(folder / below, name, questions)
    unlabeled = asked("test", 6, 10)
    del unlabeled["answer"], unlabeled["program"]
    write(folder / below, "test", [unlabeled])
    splits = read_all("clevr")
    counts = {
        split: (len(images), sum(len(image.questions) for image in images))
        for split, images in splits.items()
    }
    assert counts == {"train": (3, 6), "validation": (2, 4), "test": (1, 1)}
    assert splits["test"][0].path == "images/test/CLEVR_test_000006.png"
    assert splits["test"][0].questions == [Question("10", TEXT)]


def test_missing_ids_and_programs_have_defaults(folder, read_all):
    row = asked(answer=True)
    del row["question_index"], row["program"]
    write(folder, "train", [row, row | {"answer": 2}])
    (image,) = read_all("clevr")["train"]
    assert [
        (q.question_id, q.question_type, q.answers) for q in image.questions
    ] == [("0", "are", ["yes"]), ("1", "are", ["2"])]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_filename": 5}, "must have `image_filename`, a string"),
        (
            {"image_filename": "/5.png"},
            "must have `image_filename`, the name of an image",
        ),
        ({"question": None}, "must have `question`, a string"),
        ({"answer": None}, "must have `answer`, a string"),
        ({"question_index": "1"}, "must have `question_index`, an integer"),
    ],
)
def test_an_error_names_the_invalid_row(folder, read_all, change, message):
    write(folder, "val", [asked(), asked(question=1) | change])
    with pytest.raises(
        UserError, match=f"CLEVR_val_questions.json, row 1: {message}"
    ):
        read_all("clevr")


def test_errors_name_damaged_and_missing_files(folder, read_all):
    with pytest.raises(UserError, match="questions/CLEVR_train_questions.json"):
        read_all("clevr")
    path = folder / "CLEVR_train_questions.json"
    path.write_text('{"questions": [\n{"image_index": 1,]}')
    with pytest.raises(UserError, match="must be JSON at line 2, column 1[89]"):
        read_all("clevr")
    path.write_text('{"questions": []}')
    with pytest.raises(UserError, match="at least one question"):
        read_all("clevr")
