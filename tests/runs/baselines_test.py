"""Baselines of an evaluation: one definition, and no training record read."""

import dataclasses
import shutil

import pytest

from pipelines.data_card import data_card
from vqa_keras.data import DatasetInfo
from vqa_keras.data import Records
from vqa_keras.data.dataset_info import VocabularyFile
from vqa_keras.data.training_answers import training_answers
from vqa_keras.runs import evaluation
from vqa_keras.runs.print_evaluation import print_evaluation
from vqa_keras.runs.run import load_run
from vqa_keras.runs.run import task_for_records
from vqa_keras.text.training_answers import line_of


@pytest.fixture
def evaluate(run):
    """Returns `evaluate(folder)`: the figures on the test split."""

    def evaluate(folder, **changes):
        task, results = load_run(run)
        opened = Records(folder)
        task = task_for_records(task, opened, results)
        predictions = evaluation.predict(
            task, opened, "test", "regions", progress=False
        )
        return evaluation.evaluate(
            task, opened, "test", predictions, **changes
        )[0]

    return evaluate


@pytest.fixture
def copied(records, tmp_path):
    return shutil.copytree(records, tmp_path / "records")


def test_the_data_card_and_an_evaluation_have_the_same_baselines(
    evaluate, records
):
    found = evaluate(records).baselines
    card = data_card(records)["splits"]["test"]["baselines"]
    assert card == {
        "majority": found.majority,
        "same_question": found.same_question,
    }
    assert found.question_only is None


def test_an_evaluation_of_the_test_split_reads_no_training_record(
    evaluate, copied
):
    expected = evaluate(copied).baselines
    answers = training_answers(Records(copied))
    path = copied / "training_answers.jsonl"
    lines = [line_of(None, answers.majority, 1)]
    lines += [line_of(*item, 1) for item in answers.of_question.items()]
    path.write_text("".join(lines))
    dataclasses.replace(
        DatasetInfo.read(copied), training_answers=VocabularyFile.of(path)
    ).write(copied)
    for shard in copied.glob("train-*.tfrecord"):
        shard.write_bytes(bytes(shard.stat().st_size))
    assert evaluate(copied).baselines == expected


def test_records_without_a_training_split_have_no_baselines(
    evaluate, copied, capsys
):
    info = DatasetInfo.read(copied)
    dataclasses.replace(info, splits={"test": info.splits["test"]}).write(
        copied
    )
    found = evaluate(copied)
    assert found.baselines is None
    assert found.to_json()["baselines"] is None
    print_evaluation(found)
    lines = capsys.readouterr().out.splitlines()
    assert "no baselines: the records have no training split" in lines
    assert lines[3].split() == (
        ["answer", "type", "questions", "accuracy", "outside"]
    )


def test_answers_outside_the_vocabulary_stand_beside_the_accuracy(
    evaluate, copied, monkeypatch, capsys
):
    images = Records.images

    def with_others(self, split, limit=None):
        """One answer in four is no class; of one question there is none."""
        for number, image in enumerate(images(self, split, limit)):
            changed = dataclasses.replace(
                image.questions[1], answer="purple" if number else ""
            )
            image.questions[1] = changed
            yield image

    monkeypatch.setattr(Records, "images", with_others)
    found = evaluate(copied)
    assert found.outside.overall == pytest.approx(100 * 5 / 24)
    assert found.outside.per_answer_type == {
        "other": 0,
        "yes/no": pytest.approx(100 * 5 / 18),
    }
    assert found.counts.per_question_type == {"color": 24}
    print_evaluation(found)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"accuracy     {found.accuracy.overall:.2f} % ")
    assert lines[1] == (
        "outside      20.83 % of the questions have an answer that is no class"
    )
    assert lines[2].startswith("baselines    majority ")
    header, other, yes_no = (line.split() for line in lines[3:6])
    assert header[2:] == (
        ["questions", "accuracy", "outside", "majority", "same", "question"]
    )
    assert other[:2] == ["other", "6"]
    assert yes_no[:2] == ["yes/no", "18"] and yes_no[4:6] == ["27.78", "%"]
