import importlib.util
import json
import pathlib

import pytest

from vqa_keras.metrics import baselines
from vqa_keras.text.training_answers import count_answers

TRAIN = [
    ("Is it red?", "yes"),
    ("is it red", "yes"),
    ("is it red?", "no"),
    ("what shape?", "circle"),
    ("what shape?", "circle"),
    ("what color?", "red"),
    ("is it blue?", "yes"),
]


def test_majority_answers_all_with_the_most_common_training_answer():
    test = [("what shape?", "yes"), ("new?", "yes"), ("new?", "circle")]
    assert baselines(TRAIN, test)["majority"] == pytest.approx(200 / 3)


def test_same_question_answers_with_the_most_common_of_the_same_text():
    test = [("WHAT SHAPE", "circle"), ("is it  red?", "yes")]
    assert baselines(TRAIN, test)["same_question"] == 100


def test_same_question_falls_back_on_the_majority_for_a_new_text():
    assert baselines(TRAIN, [("is it green?", "yes")])["same_question"] == 100


def test_tie_goes_to_the_answer_that_occurs_first():
    train = [("q", "b"), ("q", "a")]
    result = baselines(train, [("q", "b"), ("q", "b"), ("q", "a")])
    assert result["majority"] == pytest.approx(200 / 3)
    assert result["same_question"] == pytest.approx(200 / 3)


def test_empty_training_answers_do_not_count():
    train = [("q", ""), ("q", ""), ("q", "a"), ("r", "")]
    result = baselines(train, [("q", "a"), ("r", "a")])
    assert result == {"majority": 100, "same_question": 100}


def test_training_answers_give_what_their_pairs_give():
    test = [("what shape?", "yes"), ("is it red", "yes"), ("new?", "circle")]
    types = ["a", "b", "b"]
    expected = baselines(TRAIN, test, types)
    assert baselines(count_answers(TRAIN), test, types) == expected


def test_question_without_a_known_answer_is_wrong():
    result = baselines([("q", "")], [("q", "")])
    assert result == {"majority": 0, "same_question": 0}


@pytest.mark.parametrize("train, test", [([], TRAIN), (TRAIN, [])])
def test_rejects_an_empty_split(train, test):
    with pytest.raises(ValueError, match="at least one question. Received"):
        baselines(train, test)


def test_easy_vqa_has_the_known_baselines():
    spec = importlib.util.find_spec("easy_vqa")
    if spec is None:
        pytest.skip("the easy_vqa package is not installed")
    folder = pathlib.Path(spec.origin).parent / "data"
    train, test = (
        [row[:2] for row in json.loads(file.read_text(encoding="utf-8"))]
        for file in (
            folder / "train" / "questions.json",
            folder / "test" / "questions.json",
        )
    )
    result = baselines(train, test)
    assert len(test) == 9673
    assert round(result["majority"], 2) == 37.33
    assert round(result["same_question"], 2) == 67.0
