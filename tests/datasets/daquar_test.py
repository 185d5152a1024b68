"""Small files in the published form of DAQUAR."""

import pytest

from vqa_keras.datasets.question import Question
from vqa_keras.errors import UserError
from vqa_keras.text.normalize import split as words_of

TRAIN = """\
what is on the right side of the black telephone in the image3 ?
desk
what is in front of the white board or in front of the door in the image5 ?
table, chair
how many chairs are on the right side of the table in the image5 ?
3
what is on the floor in front of the toilet in the image506 ?
floor_mat
"""


def write(folder, text, name="qa.37.raw.train.txt"):
    (folder / name).write_text(text)


def questions(images):
    return [question for image in images for question in image.questions]


def test_a_question_has_its_text_answer_and_image(folder, read_all):
    write(folder, TRAIN)
    images = read_all("daquar")["train"]
    assert [(image.image_id, image.path) for image in images] == [
        ("image3", "nyu_depth_images/image3.png"),
        ("image5", "nyu_depth_images/image5.png"),
        ("image506", "nyu_depth_images/image506.png"),
    ]
    first, second, third, fourth = questions(images)
    assert first == Question(
        question_id="1",
        question="what is on the right side of the black telephone ?",
        question_type="what",
        answer_type="other",
        answers=["desk"],
    )
    assert words_of(first.question) == (
        "what is on the right side of the black telephone".split()
    )
    assert (second.question_id, second.answers) == ("3", ["table, chair"])
    assert (third.answers, third.answer_type) == (["3"], "number")
    assert fourth.answers == ["floor_mat"]


@pytest.mark.parametrize(
    ("line", "text", "image"),
    [
        (
            "how many monitors are in this picture in the image7 ?",
            "how many monitors are in this picture ?",
            "image7",
        ),
        (
            "what is dominant color of the image383 ?",
            "what is dominant color ?",
            "image383",
        ),
        (
            "how many chairs are there on the image888 ?",
            "how many chairs are there ?",
            "image888",
        ),
        (
            "what is the mirror in image12 behind in the eimage999 ?",
            "what is the mirror in image12 behind ?",
            "image999",
        ),
    ],
)
def test_the_name_of_the_image_is_left_out(folder, read_all, line, text, image):
    write(folder, f"{line}\n1\n")
    (read,) = read_all("daquar")["train"]
    assert (read.image_id, read.questions[0].question) == (image, text)


def test_an_answer_of_several_items_is_a_set(folder, read_all):
    asked = "what is here in the image1 ?\n"
    answers = ("a, b_c", "b_c,a", "b_c", "a, a", "d, a")
    write(folder, "".join(f"{asked}{answer}\n" for answer in answers))
    tested = "".join(f"{asked}{answer}\n" for answer in ("b_c, a", "e, d"))
    write(folder, tested, "qa.37.raw.test.txt")
    splits = read_all("daquar")
    read = [question.answers for question in questions(splits["train"])]
    assert read == [["a, b_c"], ["a, b_c"], ["b_c"], ["a"], ["d, a"]]
    assert [question.answers for question in questions(splits["test"])] == [
        ["a, b_c"],
        ["e, d"],
    ]


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("qa.37.raw.train.txt", "qa.37.raw.test.txt"),
        ("qa.37.raw.train.txt", "qa.37.raw.reduced.test.txt"),
        ("qa.894.raw.train.txt", "qa.894.raw.test.txt"),
    ],
)
def test_the_files_of_all_sets_are_read(folder, read_all, train, test):
    write(folder, TRAIN, train)
    write(folder, TRAIN.splitlines()[0] + "\nchair\n", test)
    splits = read_all("daquar")
    assert {s: len(questions(images)) for s, images in splits.items()} == {
        "train": 4,
        "test": 1,
    }
    held_out = read_all("daquar", validation_fraction=0.34)
    assert [len(images) for images in held_out.values()] == [2, 1, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("desk\n", "line 9: must have a question about an image"),
        (
            "what is it in the image1 ?\n",
            "line 9: must have an answer in the next line",
        ),
        (
            "what is it in the image1 ?\n\nwhat is he in the image1 ?\na\n",
            "line 10: must have the answer .*line 9. Received: an empty line",
        ),
        (
            "what is it in the image1 ?\nwhat is he in the image1 ?\na\n",
            "line 10: must have the answer to the question of line 9",
        ),
        ("what is it in the image1 ?\n , \n", "line 10: must have the answer"),
        ("what is it ?\na\n", "line 9: must have a question about an image"),
        ("caf\udce9\n", "must be UTF-8 text at line 9"),
    ],
)
def test_an_error_names_the_line(folder, read_all, text, message):
    path = folder / "qa.37.raw.train.txt"
    path.write_bytes((TRAIN + text).encode(errors="surrogateescape"))
    with pytest.raises(UserError, match=f"qa.37.raw.train.txt.* {message}"):
        read_all("daquar")


def test_errors_name_empty_and_missing_files(folder, read_all):
    with pytest.raises(UserError, match="qa.37.raw.train.txt.*: nothing"):
        read_all("daquar")
    write(folder, "\n\n")
    with pytest.raises(UserError, match="at least one question"):
        read_all("daquar")
