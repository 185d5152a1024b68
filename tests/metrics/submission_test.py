import json

import pytest

from vqa_keras.errors import UserError
from vqa_keras.metrics import write_submission


def test_every_question_is_in_the_file_once_with_a_number(tmp_path):
    path = tmp_path / "new" / "answers.json"
    write_submission(path, ["10", 9], {"10": "red", 9: "2"})
    assert json.loads(path.read_text()) == [
        {"question_id": 10, "answer": "red"},
        {"question_id": 9, "answer": "2"},
    ]


@pytest.mark.parametrize(
    ("question_ids", "answers", "message"),
    [
        ([1, 2], {1: "a"}, "1 without an answer, such as 2"),
        ([1], {1: "a", 2: "b"}, "1 that are not in the split, such as 2"),
        ([1, "1"], {1: "a"}, "question 1 more than once"),
        ([1], {1: "a", "1": "b"}, "question 1 more than once"),
        ([1], {1: 2}, "answers of .* must be strings. Received: 2"),
        (["test-1"], {"test-1": "a"}, "whole numbers .* Received: 'test-1'"),
        ([True], {True: "a"}, "whole numbers .* Received: True"),
    ],
)
def test_answers_that_the_server_would_refuse_are_not_written(
    tmp_path, question_ids, answers, message
):
    path = tmp_path / "answers.json"
    with pytest.raises(UserError, match=message):
        write_submission(path, question_ids, answers)
    assert list(tmp_path.iterdir()) == []
