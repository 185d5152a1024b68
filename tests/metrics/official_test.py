"""The official accuracy on cases with results computed by hand."""

import copy
import json

import pytest

from vqa_keras.errors import UserError
from vqa_keras.metrics import answer_accuracy
from vqa_keras.metrics import evaluate

# (a ground-truth answer, a predicted answer), equal after normalization.
EQUAL = [
    # A mark without a space beside it becomes a space.
    ("red!", "red"),
    ("red?", "red"),
    ("red;", "red"),
    ("red=", "red"),
    ("+red", "red"),
    ("(red)", "red"),
    ("[red]", "red"),
    ("{red}", "red"),
    ("<red>", "red"),
    ('"red"', "red"),
    ("`red`", "red"),
    ("red,blue", "red blue"),
    ("red/blue", "red blue"),
    ("red\\blue", "red blue"),
    ("red_blue", "red blue"),
    ("red@home", "red home"),
    ("t-shirt", "t shirt"),
    ("black-and-white", "black and white"),
    ("a,b", "b"),  # "a b" has an article
    # With a space beside it anywhere, all of its kind are deleted.
    ("red, blue", "red blue"),
    ("red ,blue", "red blue"),
    ("red / blue", "red blue"),
    ("t- shirt", "t shirt"),
    ("t -shirt", "t shirt"),
    ("a-b -c", "ab c"),
    # A comma between digits deletes every mark.
    ("1,000", "1000"),
    ("1,000 t-shirts", "1000 tshirts"),
    ("1, 000", "1 000"),
    # Periods that no digit follows.
    ("red.", "red"),
    ("u.s.a.", "usa"),
    ("3.", "3"),
    ("3. 5", "3 5"),
    ("...", ""),
    ("." * 32 + "x", "x"),
    ("two.", "2"),
    # Articles.
    ("the dog", "dog"),
    ("a dog", "dog"),
    ("an apple", "apple"),
    ("The Dog", "dog"),
    ("dog the a", "dog"),
    ("the the", "the"),
    ("the", ""),
    # Numbers.
    ("none", "0"),
    ("zero", "0"),
    ("none", "zero"),
    ("one", "1"),
    ("two", "2"),
    ("three", "3"),
    ("four", "4"),
    ("five", "5"),
    ("six", "6"),
    ("seven", "7"),
    ("eight", "8"),
    ("nine", "9"),
    ("ten", "10"),
    ("Two dogs", "2 dogs"),
    ("two-door", "2 door"),
    ("twenty two", "twenty 2"),
    # Contractions.
    ("dont know", "don't know"),
    ("isnt", "isn't"),
    ("Isnt", "isn't"),
    ("cant", "can't"),
    ("hes", "he's"),
    # Case and spaces.
    ("RED", "red"),
    ("red  blue", "red blue"),
    ("red\nblue", "red blue"),
    ("\tred\n", "red"),
    ("red\u00a0blue", "red blue"),
]
DIFFERENT = [
    ("t-shirt", "tshirt"),
    ("a-b -c", "b c"),
    ("1,000", "1 000"),
    ("1,000 t-shirts", "1000 t shirts"),
    # No marks of the table.
    ("red'blue", "red blue"),
    ("red:blue", "red blue"),
    ("red&blue", "red blue"),
    ("#1", "1"),
    ("50%", "50"),
    ("$5", "5"),
    ("red*", "red"),
    # A digit follows the period.
    ("3.5", "35"),
    (".5", "5"),
    ("a.5", "a5"),
    ("1.000", "1000"),
    # The 33rd period stays.
    ("." * 33 + "x", "x"),
    ("." * 33 + "x", ".x"),
    ("theater", "ater"),
    ("a", "b"),
    ("eleven", "11"),
    ("twelve", "12"),
    ("no", "0"),
    ("ones", "1s"),
    # Keys with capitals never fire after lower-casing.
    ("Im", "I'm"),
    ("Ive", "I've"),
    ("Id've", "I'd've"),
    ("do not", "don't"),
    ("red\tblue", "redblue"),
]


def annotators(*answers):
    return [{"answer": a, "answer_id": i} for i, a in enumerate(answers, 1)]


def nameless(*answers):
    return [{"answer": answer} for answer in answers]


RED = ["red"]
OTHERS = [f"color {i}" for i in range(10)]
CASES = [
    # Ten annotators, k of whom say it.
    *(
        (annotators(*RED * k, *OTHERS[k:]), "red", expected)
        for k, expected in enumerate([0, 0.3, 0.6, 0.9] + [1] * 6)
    ),
    # All agree to the letter: nothing is normalized but the ends.
    (annotators(*RED * 10), "red", 1),
    (annotators(*RED * 10), "Red", 0),
    (annotators(*RED * 10), " red\n", 1),
    (annotators(*["red", " red", "red\t"] * 3, "red"), "red", 1),
    (annotators(*["2,000"] * 10), "2000", 0),
    (annotators(*["the dog"] * 10), "dog", 0),
    (annotators(*["two"] * 10), "2", 0),
    (annotators(*["red."] * 10), "red", 0),
    # One differs: everything is normalized.
    (annotators(*RED * 9, "Red"), "RED", 1),
    (annotators(*["2,000"] * 9, "2000"), "2000", 1),
    (annotators(*["two"] * 9, "3"), "2", 1),
    # Other numbers of annotators.
    (annotators("red"), "red", 0),
    (annotators("red", "red"), "red", 1 / 3),
    (annotators("red", "blue"), "red", 1 / 6),
    (annotators("red", "red", "red"), "red", 2 / 3),
    (annotators("red", "red", "blue"), "red", 4 / 9),
    (annotators("red", "red", "red", "red"), "red", 1),
    (annotators("red", "red", "red", "blue", "green"), "red", 0.8),
    # Without ids, equal answers are left out together.
    (nameless(*RED * 3, *OTHERS[3:]), "red", 0.7),
    (nameless(*RED * 2, *OTHERS[2:]), "red", 16 / 30),
    (nameless(*RED * 4, *OTHERS[4:]), "red", 0.6),
    (nameless(*RED * 10), "red", 0),
    (nameless("red", "Red", "RED", *OTHERS[3:]), "red", 0.7),
    (
        [
            {"answer": "red", "answer_confidence": "yes"},
            {"answer": "red", "answer_confidence": "yes"},
            {"answer": "red", "answer_confidence": "maybe"},
            *nameless(*OTHERS[3:]),
        ],
        "red",
        (2 / 3 + 2 / 3 + 7) / 10,
    ),
    # Empty answers are answers.
    (annotators(*[""] * 10), "", 1),
    (annotators(*["", "the"] * 5), "a", 1),
]


@pytest.mark.parametrize(("truth", "predicted"), EQUAL)
def test_answers_are_equal_after_normalization(truth, predicted):
    answers = annotators(truth, truth, *OTHERS[2:])
    assert answer_accuracy(answers, predicted) == pytest.approx(0.6)


@pytest.mark.parametrize(("truth", "predicted"), DIFFERENT)
def test_answers_differ_after_normalization(truth, predicted):
    answers = annotators(truth, truth, *OTHERS[2:])
    assert answer_accuracy(answers, predicted) == 0


@pytest.mark.parametrize(("answers", "predicted", "expected"), CASES)
def test_accuracy_counts_the_other_annotators(answers, predicted, expected):
    before = copy.deepcopy(answers)
    found = answer_accuracy(answers, predicted)
    assert found == pytest.approx(expected, abs=1e-12)
    assert answers == before


def test_there_are_more_than_100_cases():
    assert len(EQUAL) + len(DIFFERENT) + len(CASES) > 100


QUESTIONS = {"questions": [{"question_id": i} for i in (1, 2, 3)]}
ANNOTATIONS = {
    "annotations": [
        {
            "question_id": question_id,
            "question_type": question_type,
            "answer_type": answer_type,
            "answers": annotators(*answers),
        }
        for question_id, question_type, answer_type, answers in (
            (1, "what", "other", RED + OTHERS[1:]),
            (2, "what", "number", ["two"] * 2 + ["3"] * 8),
            (3, "is", "other", RED * 10),
        )
    ]
}
RESULTS = [
    {"question_id": 3, "answer": "red"},
    {"question_id": 1, "answer": "red"},
    {"question_id": 2, "answer": "2"},
]


def test_means_are_over_questions_and_types_in_percent():
    found = evaluate(QUESTIONS, ANNOTATIONS, RESULTS)
    assert set(found) == {
        "overall",
        "per_question_type",
        "per_answer_type",
        "per_question",
    }
    assert found["overall"] == pytest.approx(190 / 3)
    assert found["per_question_type"] == pytest.approx({"is": 100, "what": 45})
    assert found["per_answer_type"] == pytest.approx(
        {"number": 60, "other": 65}
    )
    assert found["per_question"] == pytest.approx({1: 30, 2: 60, 3: 100})


def test_files_give_what_their_content_gives(tmp_path):
    contents = {"q": QUESTIONS, "a": ANNOTATIONS, "r": RESULTS}
    for name, content in contents.items():
        (tmp_path / name).write_text(json.dumps(content))
    paths = [tmp_path / name for name in contents]
    assert evaluate(*paths) == evaluate(*contents.values())
    assert evaluate(*map(str, paths)) == evaluate(*contents.values())


@pytest.mark.parametrize(
    ("results", "message"),
    [
        (RESULTS[:2], "1 without an answer, such as 2"),
        (RESULTS + RESULTS[:1], "question 3 more than once"),
        (RESULTS + [{"question_id": 9, "answer": ""}], "1 not annotated"),
        (RESULTS[:2] + [{"question_id": 2, "answer": 2}], "must be a string"),
        (RESULTS[:2] + [{"question_id": 2}], "question_id and answer"),
        ({"results": RESULTS}, "must be a JSON list"),
    ],
)
def test_wrong_results_are_refused(results, message):
    with pytest.raises(UserError, match=message):
        evaluate(QUESTIONS, ANNOTATIONS, results)


def test_annotations_of_no_question_or_without_answers_are_refused():
    with pytest.raises(UserError, match="question 3, which is not there"):
        other = {"questions": QUESTIONS["questions"][:2]}
        evaluate(other, ANNOTATIONS, RESULTS)
    wrong = copy.deepcopy(ANNOTATIONS)
    wrong["annotations"][1]["answers"] = []
    with pytest.raises(UserError, match="question 2 must have a list of ans"):
        evaluate(QUESTIONS, wrong, RESULTS)
    with pytest.raises(UserError, match="list annotations"):
        evaluate(QUESTIONS, {"annotations": []}, RESULTS)


def test_files_that_are_no_json_are_named_with_line_and_column(tmp_path):
    path = tmp_path / "results.json"
    path.write_text('[\n{"question_id": 1,]')
    with pytest.raises(UserError, match="results.json .* line 2, column 1[89]"):
        evaluate(QUESTIONS, ANNOTATIONS, path)
    with pytest.raises(UserError, match="nothing.json must be a readable"):
        evaluate(QUESTIONS, ANNOTATIONS, tmp_path / "nothing.json")
