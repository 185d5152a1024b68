"""The .csv form of your own data; jsonl_test.py has the rules of a line."""

import codecs

import pytest

from vqa_keras.datasets.question import Question
from vqa_keras.errors import UserError
from vqa_keras.text.normalize import split as words_of

ROWS = """\
question_id,image,question,answers
7,photos/door.jpg,What color is the door?,red|red| dark red
8,photos/door.jpg,"Is it red, or blue?",red
"""


def write(folder, text, name="train.csv"):
    data = text if isinstance(text, bytes) else text.encode()
    (folder / name).write_bytes(data)


def test_each_row_becomes_a_question_of_its_image(folder, read_all):
    write(folder, ROWS)
    (image,) = read_all("jsonl")["train"]
    assert (image.image_id, image.path) == ("photos/door.jpg",) * 2
    first, second = image.questions
    assert first == Question(
        question_id="7",
        question="What color is the door?",
        question_type="what",
        answer_type="other",
        answers=["red", "red", "dark red"],
    )
    assert words_of(first.question) == ["what", "color", "is", "the", "door"]
    assert second.question == "Is it red, or blue?"
    assert second.answers == ["red"]


def test_all_keys_of_a_line_may_be_columns(folder, read_all):
    write(
        folder,
        "answer,boxes,image_id,complementary_id,question_type,answer_type,"
        "question,image,question_id\n"
        '"1,5","[[1, 2, 3.5, 4]]",door,8,measure,number,how high?,d.jpg,7\n'
        "2,,door,,,,how high?,d.jpg,8\n",
    )
    (image,) = read_all("jsonl")["train"]
    assert (image.image_id, image.path) == ("door", "d.jpg")
    assert image.questions == [
        Question(
            question_id="7",
            question="how high?",
            question_type="measure",
            answer_type="number",
            answers=["1,5"],
            object_boxes=[[1, 2, 3.5, 4]],
            complementary_id="8",
        ),
        Question("8", "how high?", "how", "number", ["2"]),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_spreadsheet_writes_other_separators_and_a_mark(
    folder, read_all, delimiter, newline
):
    rows = [
        ["image", "question", "answer", ""],
        ["d\u00f6\u00f6r.jpg", '"what is; ""it"",\nand\twhere?"', "red", ""],
        ["", "", "", ""],
        ["door.jpg", "is it red?", "yes", ""],
    ]
    text = newline.join(delimiter.join(row) for row in rows)
    write(folder, codecs.BOM_UTF8 + text.encode())
    first, second = read_all("jsonl")["train"]
    assert first.image_id == "d\u00f6\u00f6r.jpg"
    assert first.questions[0].question == 'what is; "it",\nand\twhere?'
    # Without ids, the line at which the row begins: the first has two.
    assert [i.questions[0].question_id for i in (first, second)] == ["2", "5"]


def test_splits_may_be_of_either_form_but_not_of_both(folder, read_all):
    write(folder, ROWS)
    write(folder, "image,question\na.jpg,is it?\n", "test.csv")
    line = b'{"question_id": 1, "image": "b", "question": "c", "answer": "d"}'
    write(folder, line, "validation.jsonl")
    splits = read_all("jsonl", validation_fraction=0.5)
    assert list(splits) == ["train", "validation", "test"]
    assert splits["test"][0].questions == [Question("2", "is it?")]
    write(folder, ROWS, "validation.csv")
    with pytest.raises(UserError, match="either validation.jsonl or valid"):
        read_all("jsonl")


@pytest.mark.parametrize(
    ("text", "received"),
    [
        ("7,photos/door.jpg,what is it?,red\n", "7, photos/door.jpg, what"),
        ("question_id,image,answer\n7,a.jpg,red\n", "question_id, image, ans"),
        ("image,Question,answer\n", "image, Question, answer"),
        ("", "an empty line"),
    ],
)
def test_a_file_without_the_header_is_refused(folder, read_all, text, received):
    write(folder, text)
    with pytest.raises(
        UserError,
        match="train.csv, line 1: must be a header with the columns image, "
        f"question. Received: {received}",
    ):
        read_all("jsonl")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("9,a.jpg,what?", "line 4: must have 4 cells, as the header. .*: 3"),
        ("9,a.jpg,what?,a,b", "line 4: must have 4 cells, as the header. .* 5"),
        ("9,a.jpg,what?,", "line 4: must have `answers` or `answer`"),
        ("9,a.jpg,what?,|", "line 4: must have `answers` or `answer`"),
        ("9,,what?,a", "line 4: must have the key `image`"),
        ("9,../a.jpg,what?,a", "line 4: `image` must be a path below"),
        ('9,a.jpg,"what?,a\n1,b.jpg,who?,c', "line 4: must be a row of CSV"),
        ('9,a.jpg,"what" is it?,a', "line 4: must be a row of CSV"),
    ],
)
def test_an_error_names_the_line(folder, read_all, row, message):
    write(folder, f"{ROWS}{row}\n")
    with pytest.raises(UserError, match=f"train.csv, {message}"):
        read_all("jsonl")


def test_errors_name_other_invalid_files(folder, read_all):
    write(folder, ROWS.encode() + b"9,caf\xe9.jpg,what?,a\n")
    with pytest.raises(UserError, match="must be UTF-8 text at line 4"):
        read_all("jsonl")
    write(folder, "image,question,awnser\n")
    with pytest.raises(UserError, match="no columns but .*Received: .*awnser"):
        read_all("jsonl")
    write(folder, "image,question,answer,answer\n")
    with pytest.raises(UserError, match="each once. Received: image"):
        read_all("jsonl")
    write(folder, "image,question,answer,\na.jpg,what?,b,c\n")
    with pytest.raises(UserError, match="columns with a name only.*: c"):
        read_all("jsonl")
    write(folder, "image,question,answer\n")
    with pytest.raises(UserError, match="at least one question"):
        read_all("jsonl")
    write(folder, "image,question,answer,boxes\na.jpg,what?,b,[1\n")
    with pytest.raises(UserError, match="must be JSON at line 2"):
        read_all("jsonl")
