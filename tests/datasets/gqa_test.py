"""Small files in the published form of GQA's balanced questions."""

import json
import tracemalloc

import pytest

from vqa_keras.datasets import gqa
from vqa_keras.datasets.question import Question
from vqa_keras.datasets.question_table import QuestionTable
from vqa_keras.errors import UserError
from vqa_keras.text.normalize import split as words_of

FILE = "{}_balanced_questions.json"


def asked(answer="brown", image="2354786", text="What color is the dog?"):
    return {
        "semantic": [
            {"operation": "select", "dependencies": [], "argument": "dog (7)"}
        ],
        "entailed": [],
        "equivalent": ["02930152"],
        "question": text,
        "imageId": image,
        "isBalanced": True,
        "groups": {"global": "color", "local": "10q-dog_color"},
        "answer": answer,
        "semanticStr": "select: dog (7)->query: color [0]",
        "annotations": {"answer": {}, "question": {}, "fullAnswer": {}},
        "types": {
            "detailed": "directOf",
            "semantic": "attr",
            "structural": "query",
        },
        "fullAnswer": f"The dog is {answer}.",
    }


def asked_without_answer(image="n161313"):
    return {
        "isBalanced": True,
        "question": "Is it overcast?",
        "imageId": image,
    }


def write(folder, name, questions):
    folder.mkdir(exist_ok=True)
    (folder / FILE.format(name)).write_text(json.dumps(questions))


def test_a_question_has_its_text_answer_types_and_image(folder, read_all):
    (folder / "images").mkdir()
    write(folder, "train", {"02930152": asked(), "07333408": asked("yes")})
    (image,) = read_all("gqa")["train"]
    assert image.image_id == "2354786"
    assert image.path == "images/2354786.jpg"
    first, second = image.questions
    assert first == Question(
        question_id="02930152",
        question="What color is the dog?",
        question_type="query, attr",
        answer_type="other",
        answers=["brown"],
    )
    assert words_of(first.question) == ["what", "color", "is", "the", "dog"]
    assert (second.answers, second.answer_type) == (["yes"], "yes/no")


@pytest.mark.parametrize("below", ["", "questions", "questions1.2"])
def test_each_file_is_a_split(folder, read_all, below):
    write(folder / below, "train", {str(i): asked() for i in range(5)})
    write(folder / below, "val", {"1": asked(), "2": asked(image="n1")})
    write(folder / below, "test", {"1": asked_without_answer()})
    write(folder / below, "testdev", {"1": asked(image="n3")})
    splits = read_all("gqa")
    counts = {
        split: (len(images), sum(len(image.questions) for image in images))
        for split, images in splits.items()
    }
    assert counts == {
        "train": (1, 5),
        "validation": (2, 2),
        "test": (1, 1),
        "test_dev": (1, 1),
    }
    (question,) = splits["test"][0].questions
    assert question == Question("1", "Is it overcast?")
    assert splits["test_dev"][0].questions[0].answers == ["brown"]


@pytest.mark.parametrize("split", ["train", "val"])
def test_training_and_validation_questions_need_answers(
    folder, read_all, split
):
    write(folder, "train", {"1": asked()})
    write(folder, split, {"1": asked(), "20": asked_without_answer()})
    with pytest.raises(
        UserError,
        match=f"{split}_balanced_questions.json, question 20: must have "
        "`answer`, as all questions of the .* Received: the keys imageId, ",
    ):
        read_all("gqa")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"imageId": 5}, "must have `imageId`, a string"),
        ({"imageId": "../5"}, "must have `imageId`, the name of an image"),
        ({"question": None}, "must have `question`, a string"),
        ({"answer": ["red"]}, "must have `answer`, a string"),
    ],
)
def test_an_error_names_the_invalid_question(folder, read_all, change, message):
    write(folder, "train", {"1": asked(), "20": asked() | change})
    with pytest.raises(UserError, match=f"question 20: {message}"):
        read_all("gqa")


def test_errors_name_damaged_and_missing_files(folder, read_all):
    with pytest.raises(
        UserError, match="train_balanced_questions.json.*Received: nothing"
    ):
        read_all("gqa")
    path = folder / FILE.format("train")
    path.write_text('{"1": {"question": "a",\n "imageId" "2"}}')
    with pytest.raises(UserError, match="must be JSON at line 2, column 12"):
        read_all("gqa")
    path.write_text('{"1": 2}')
    with pytest.raises(UserError, match="question 1: must have an object"):
        read_all("gqa")
    for text in ("{}", "[]", json.dumps([asked()])):
        path.write_text(text)
        with pytest.raises(UserError, match="at least one question"):
            read_all("gqa")


def test_memory_is_constant_in_the_number_of_questions(folder, tmp_path):
    peaks = []
    for count in (500, 5000):
        write(folder, "train", {str(i): asked() for i in range(count)})
        with QuestionTable(tmp_path / "table.sqlite") as table:
            tracemalloc.start()
            gqa.read(folder, table, validation_fraction=0)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert (folder / FILE.format("train")).stat().st_size > 2_000_000
    assert peaks[1] < peaks[0] + 100_000
