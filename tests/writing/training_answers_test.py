"""The training answers are counted over shards and written with records."""

import json

import pytest

from vqa_keras.text.training_answers import count_answers
from vqa_keras.text.training_answers import read_training_answers
from vqa_keras.writing.training_answers import write_training_answers
from vqa_keras.writing.work_folder import ShardReport
from vqa_keras.writing.work_folder import WorkFolder


@pytest.fixture
def write(tmp_path):
    """Returns `write(*shards)`: the lines of the file, parsed."""

    def write(*shards):
        work = WorkFolder(tmp_path)
        work.path.mkdir(exist_ok=True)
        for number, answers in enumerate(shards):
            work.write_report(f"train-{number}", ShardReport([], 0, answers))
        names = [f"train-{number}" for number in range(len(shards))]
        path = write_training_answers(tmp_path, names)
        return [json.loads(line) for line in path.read_text().splitlines()]

    return write


def test_counts_are_summed_over_shards_and_sorted_by_question(write, tmp_path):
    first = [("what", "red", 2), ("is it", "yes", 1), ("is it", "no", 2)]
    second = [("is it", "yes", 2), ("", "no", 1)]
    assert write(first, second) == [
        {"question": None, "answer": "yes", "count": 3},  # "no" comes later
        {"question": "", "answer": "no", "count": 1},
        {"question": "is it", "answer": "yes", "count": 3},
        {"question": "what", "answer": "red", "count": 2},
    ]
    pairs = [
        (question, answer)
        for question, answer, count in first + second
        for _ in range(count)
    ]
    found = read_training_answers(tmp_path / "training_answers.jsonl")
    assert found == count_answers(pairs)


@pytest.mark.parametrize("first", ["a", "b"])
def test_ties_go_to_the_answer_that_occurs_first(write, first):
    other = {"a": "b", "b": "a"}[first]
    shards = [
        [("r", "c", 1), ("q", first, 1), ("q", other, 2)],
        [("q", first, 1), ("r", "c", 1), ("p", "d", 1)],
    ]
    assert write(*shards) == [
        {"question": None, "answer": "c", "count": 2},
        {"question": "p", "answer": "d", "count": 1},
        {"question": "q", "answer": first, "count": 2},
        {"question": "r", "answer": "c", "count": 2},
    ]


def test_text_of_any_script_is_kept(write):
    text = "\u4ec0\u4e48 d\u1eeba \U0001f34e"
    assert write([(text, text, 1)])[1]["question"] == text


def test_a_split_without_an_answer_gives_an_empty_file(write, tmp_path):
    assert write([]) == []
    found = read_training_answers(tmp_path / "training_answers.jsonl")
    assert found == count_answers([])
    assert found.same_question("what") == ""
