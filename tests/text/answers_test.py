import json
import pathlib

import pytest

import vqa_keras.text.answers as answers_module
from vqa_keras.text import fold_answer
from vqa_keras.text import most_common_answer
from vqa_keras.text import normalize_answer
from vqa_keras.text import soft_scores

# Worked out by hand from the published rules.
CASES = [
    ("yes", "yes"),
    ("YES", "yes"),
    ("  yes  ", "yes"),
    ("yes\n", "yes"),
    ("hot\tdog", "hot dog"),
    ("hot\ndog", "hot dog"),
    ("hot   dog", "hot dog"),
    ("", ""),
    # Articles, as whole words only.
    ("the dog", "dog"),
    ("a", ""),
    ("An apple", "apple"),
    ("the a an", ""),
    ("theater", "theater"),
    ("a-frame", "frame"),
    # Number words none to ten, and no further.
    ("none", "0"),
    ("Zero", "0"),
    ("two", "2"),
    ("ten dogs", "10 dogs"),
    ("eleven", "eleven"),
    ("twenty-one", "twenty 1"),
    ("someone", "someone"),
    # Contractions.
    ("dont", "don't"),
    ("don't", "don't"),
    ("DONT know", "don't know"),
    ("shouldn'tve", "shouldn't've"),
    ("somebody'd", "somebodyd"),
    ("Im", "im"),
    ("i'dve", "i'dve"),
    ("its", "its"),
    ("oclock", "o'clock"),
    ("dont.", "don't"),
    # A mark beside a space is deleted everywhere, else it becomes a space.
    ("t-shirt", "t shirt"),
    ("t- shirt", "t shirt"),
    ("t-shirt -red", "tshirt red"),
    ("yes!", "yes"),
    ("yes!no", "yes no"),
    ("yes ! no!no", "yes nono"),
    ("red/white", "red white"),
    ("red / white/blue", "red whiteblue"),
    ("red/ white-blue", "red white blue"),
    ('"stop"', "stop"),
    ("(left)", "left"),
    ("(left) (right)", "left right"),
    ("x_y=z", "x y z"),
    ("a\\b", "b"),
    ("who?what", "who what"),
    ("yes\n?no?", "yes no"),
    ("?!", ""),
    ("rock&roll", "rock&roll"),
    ("50%", "50%"),
    ("$5", "$5"),
    ("6:30", "6:30"),
    # A comma between digits deletes every mark of the answer.
    ("2,000", "2000"),
    ("1,000-2,000", "10002000"),
    ("red,white", "red white"),
    ("red,white 1,5", "redwhite 15"),
    ("1,a", "1"),
    # Periods go unless a digit follows, whatever stands before them.
    ("3.5", "3.5"),
    ("st.", "st"),
    ("u.s.a", "usa"),
    ("5.", "5"),
    (".5", ".5"),
    ("...", ""),
    ("." * 40, "." * 8),
    ("a.", ""),
    ("no. 1", "no 1"),
]


@pytest.mark.parametrize("text, expected", CASES)
def test_answer_has_the_official_normal_form(text, expected):
    assert normalize_answer(text) == expected


def test_tables_are_complete():
    path = pathlib.Path(answers_module.__file__).with_name("answer_tables.json")
    tables = json.loads(path.read_text())
    assert len(tables["contractions"]) == 120
    assert len(tables["manualMap"]) == 12
    assert len(tables["articles"]) == 3
    assert len(tables["punct"]) == 21


def test_answer_of_three_of_ten_annotators_scores_nine_tenths():
    answers = ["red"] * 3 + ["Blue"] * 4 + ["blue."] + ["the green"] + ["grey"]
    assert soft_scores(answers, "vqa") == {
        "red": 0.9,
        "blue": 1.0,
        "green": 0.3,
        "grey": 0.3,
    }


def test_answer_of_the_only_annotator_scores_one():
    assert soft_scores(["Two"], "vqa") == {"2": 1.0}


def test_answers_that_are_empty_after_normalization_have_no_score():
    assert soft_scores(["the", "a", "dog"], "vqa") == {"dog": 0.3}
    assert soft_scores(["the"], "vqa") == {}
    assert soft_scores([], "vqa") == {}


def test_ties_for_the_most_common_answer_go_to_the_first():
    assert most_common_answer(["cat", "Dog", "dog.", "cat"], "vqa") == "cat"
    assert most_common_answer(["cat", "Dog", "dog."], "vqa") == "dog"
    assert most_common_answer(["the", "the", "two"], "vqa") == "2"
    assert most_common_answer([]) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" Light \t Blue\n", "light blue"),
        ("A", "a"), ("the", "the"), ("-3", "-3"), ("3", "3"), ("1,5", "1,5"),
        ("15", "15"), ("B+", "b+"), ("B-", "b-"), ("Red.", "red."),
        ("Stra\u00dfe", "strasse"), ("I\u0307zmir", "izmir"),
        ("\u0130ZM\u0130R", "izmir"), ("Cafe\u0301", "caf\u00e9"),
        ("D\u1eeaA", "d\u1eeba"), ("\u7ea2\u8272", "\u7ea2\u8272"), (" \n", ""),
    ],
)  # fmt: skip
def test_an_answer_is_the_text_that_people_wrote(text, expected):
    assert fold_answer(text) == expected
    assert fold_answer(expected) == expected


def test_answers_that_differ_in_case_alone_are_one():
    assert soft_scores(["Red", "red ", "RED", "red."]) == {
        "red": 0.9,
        "red.": 0.3,
    }
    assert most_common_answer(["A", "-3", "a"]) == "a"
