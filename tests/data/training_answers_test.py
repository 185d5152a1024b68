"""The training answers of records: from their file, or else from the split."""

import dataclasses

import pytest

from vqa_keras.data import DatasetInfo
from vqa_keras.data import Records
from vqa_keras.data.dataset_info import VocabularyFile
from vqa_keras.data.training_answers import training_answers
from vqa_keras.errors import UserError
from vqa_keras.text.training_answers import TrainingAnswers
from vqa_keras.text.training_answers import count_answers
from vqa_keras.text.training_answers import line_of


@pytest.fixture
def with_file(records):
    """Records whose file says other answers than their training split."""
    path = records / "training_answers.jsonl"
    lines = [line_of(None, "no", 9), line_of("what is it", "r\u00e9d", 2)]
    path.write_text("".join(lines), encoding="utf-8")
    info = DatasetInfo.read(records)
    listed = VocabularyFile.of(path)
    dataclasses.replace(info, training_answers=listed).write(records)
    return records


def test_they_come_from_the_file_if_there_is_one(with_file):
    expected = TrainingAnswers("no", {"what is it": "r\u00e9d"})
    assert training_answers(Records(with_file)) == expected


def test_older_records_are_read(records):
    opened = Records(records)
    assert opened.info.training_answers is None
    pairs = [(q.question, q.answer) for q in opened.questions("train")]
    assert training_answers(opened) == count_answers(pairs)


def test_records_without_a_training_question_have_none(records):
    info = DatasetInfo.read(records)
    without = {n: s for n, s in info.splits.items() if n != "train"}
    dataclasses.replace(info, splits=without).write(records)
    assert training_answers(Records(records)) is None
    empty = {"train": info.splits["empty"]}
    dataclasses.replace(info, splits=empty).write(records)
    assert training_answers(Records(records)) is None


def test_a_changed_or_missing_file_is_refused(with_file):
    path = with_file / "training_answers.jsonl"
    path.write_text(line_of(None, "yes", 1))
    with pytest.raises(UserError, match=f"{path} must have the content that"):
        training_answers(Records(with_file))
    path.unlink()
    with pytest.raises(UserError, match="Received: no such file"):
        training_answers(Records(with_file))


@pytest.mark.parametrize("line", ["{", '{"answer": "a"}', "[1]", "\n"])
def test_a_line_of_another_form_is_named(with_file, line):
    path = with_file / "training_answers.jsonl"
    path.write_text(line_of(None, "a", 1) + line)
    info = DatasetInfo.read(with_file)
    listed = VocabularyFile.of(path)
    dataclasses.replace(info, training_answers=listed).write(with_file)
    with pytest.raises(UserError, match=r"line 2 must be JSON .*Received: "):
        training_answers(Records(with_file))


def test_a_question_of_another_text_gets_the_majority_answer():
    found = count_answers([("Is it?", "yes"), ("is  it", "yes"), ("?", "b")])
    assert found.same_question("IS IT") == "yes"
    assert found.same_question("!") == "b"  # without words
    assert found.same_question("is it red?") == "yes"
