"""write_records stores the training answers, which other commands read."""

import json

import pytest

from pipelines.data_card import data_card
from vqa_keras.data import Records
from vqa_keras.data.training_answers import training_answers
from vqa_keras.files import file_sha256
from vqa_keras.text.training_answers import count_answers

pytestmark = pytest.mark.beam


def test_they_are_those_of_the_records_without_dropped_images(
    write, data, tmp_path
):
    # Image 0 is unreadable: its two questions and the one asked only of it.
    (data / "train" / "images" / "0.png").write_bytes(b"no image")
    output = tmp_path / "records"
    records = write(output, allow_dropped=True, validation_fraction=0.0)
    listed = records.info.training_answers
    assert listed.file == "training_answers.jsonl"
    assert listed.sha256 == file_sha256(output / listed.file)
    pairs = [(q.question, q.answer) for q in records.questions("train")]
    assert len(pairs) == 22
    assert training_answers(records) == count_answers(pairs)
    lines = (output / listed.file).read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0]) == {
        "question": None,
        "answer": "yes",
        "count": 11,
    }
    questions = [json.loads(line)["question"] for line in lines[1:]]
    assert questions == sorted({*questions}) and "is it a shape" in questions
    assert not any("lost" in question for question in questions)


def test_a_resumed_run_counts_the_shards_that_were_finished(write, tmp_path):
    whole = write(tmp_path / "whole")
    output = tmp_path / "resumed"

    def killed(*given, **named):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vqa_keras.writing.record_set.finish", killed)
        with pytest.raises(KeyboardInterrupt):
            write(output)
    last = sorted(output.glob("train-*.tfrecord"))[-1]
    last.unlink()
    resumed = write(output)
    assert resumed.info.training_answers == whole.info.training_answers


def test_overwriting_replaces_the_file(write, tmp_path):
    output = tmp_path / "records"
    write(output)
    (output / "training_answers.jsonl").write_text("old")
    records = write(output, overwrite=True)
    listed = records.info.training_answers
    assert listed.sha256 == file_sha256(output / listed.file)


def test_the_data_card_has_the_baselines_of_the_file(write, tmp_path):
    records = write(tmp_path / "records")
    before = data_card(records.folder)["splits"]["test"]["baselines"]
    # Every second test question is "is it a shape?", one is lost; the colors
    # of the same question in the training split are those of the test split.
    assert before["majority"] == pytest.approx(100 * 4 / 9)
    pairs = [(q.question, q.answer) for q in records.questions("train")]
    assert training_answers(Records(records.folder)) == count_answers(pairs)
