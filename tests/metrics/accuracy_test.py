import pytest

from vqa_keras.metrics import accuracy


def test_is_the_percentage_of_equal_answers_overall_and_per_type():
    result = accuracy(
        predicted=["yes", "no", "red", "red"],
        answers=["yes", "yes", "red", "blue"],
        answer_types=["yes/no", "yes/no", "other", "other"],
    )
    assert result["overall"] == 50
    assert result["per_answer_type"] == {"other": 50, "yes/no": 50}


def test_overall_counts_questions_and_not_types():
    result = accuracy(["a", "a", "a", "b"], ["a"] * 4, ["x", "x", "x", "y"])
    assert result == {"overall": 75, "per_answer_type": {"x": 100, "y": 0}}


def test_question_without_a_true_answer_is_wrong():
    assert accuracy([""], [""], ["other"])["overall"] == 0


@pytest.mark.parametrize(
    "arguments", [([], [], []), (["a"], ["a", "b"], ["x", "x"])]
)
def test_rejects_lists_that_do_not_match(arguments):
    with pytest.raises(ValueError, match="Received: lengths"):
        accuracy(*arguments)
