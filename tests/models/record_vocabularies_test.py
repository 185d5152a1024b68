"""A task reads records of its own words only, also in a notebook."""

import dataclasses
import pathlib

import numpy as np
import pytest

from tests.fixtures.records import write_images
from tests.models.conftest import ANSWERS
from tests.models.conftest import WORDS
from vqa_keras.data import DatasetInfo
from vqa_keras.data import Records
from vqa_keras.data.features import FILES
from vqa_keras.data.features import Features
from vqa_keras.data.image_record import ImageRecord
from vqa_keras.data.image_record import QuestionRecord
from vqa_keras.errors import UserError
from vqa_keras.models.raw_inputs import check_inputs

SHUFFLED = [*WORDS[:2], *reversed(WORDS[2:])]
OTHER_ANSWERS = ["red", "green", "violet"]


def _image(split, number):
    question = QuestionRecord(
        question_id=f"{split}-{number}",
        question="what color is it?",
        question_type="what",
        answer_type="other",
        answer=ANSWERS[number % 3],
        answer_id=number % 3,
        all_answers=[ANSWERS[number % 3]],
        object_boxes=[],
        complementary_id="",
        token_ids=[2, 3, 4, 5, 0],
        scores={number % 3: 1.0},
    )
    return ImageRecord(
        image_id=f"{split}-{number}",
        image=None,
        image_size=(4, 6),
        features={"regions": np.full((6, 8), number, "float16")},
        boxes=None,
        questions=[question],
    )


@pytest.fixture
def write(tmp_path):
    """Returns `write(words, answers, strip_accents)`: opened records."""

    def write(words=WORDS, answers=ANSWERS, strip_accents=False):
        folder = tmp_path / f"records_{len(list(tmp_path.iterdir()))}"
        features = Features(
            source=FILES,
            name="hand",
            weights_sha256="a" * 64,
            levels={"regions": (6, 8)},
        )
        splits = {
            split: [[_image(split, i) for i in range(6)]]
            for split in ("train", "validation")
        }
        write_images(
            folder,
            splits,
            words,
            answers,
            dataset="hand",
            sequence_length=5,
            strip_accents=strip_accents,
            features=features,
            stored_images=False,
        )
        return Records(folder)

    return write


@pytest.fixture
def task(make_task):
    task = make_task()
    task.compile(run_eagerly=False)
    return task


def test_records_of_the_task_are_read(write, task):
    records = write()
    data = records.load("train", 4)
    task.fit(data, validation_data=records.load("validation", 4), verbose=0)
    assert np.isfinite(task.evaluate(data, verbose=0)).all()
    assert task.predict(data, verbose=0).shape == (6, 3)


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
def test_other_words_are_refused(write, task, method):
    records = write(words=SHUFFLED)
    match = (
        "words.txt must be the vocabulary of the model, 6 entries. Received: 6 "
        "entries; entry 2 is 'it' instead of 'what'. write_records "
        "--vocabularies=RUN"
    )
    with pytest.raises(UserError, match=match):
        getattr(task, method)(records.load("train", 4), verbose=0)
    longer = write(words=[*WORDS, "zebra"])
    with pytest.raises(UserError, match="6 entries. Received: 7 entries. wri"):
        getattr(task, method)(longer.load("train", 4), verbose=0)


@pytest.mark.parametrize("method", ["fit", "evaluate"])
def test_targets_of_other_answers_are_refused(write, task, method):
    records = write(answers=OTHER_ANSWERS)
    match = "answers.txt must be the .*entry 2 is 'violet' instead of 'blue'"
    with pytest.raises(UserError, match=match):
        getattr(task, method)(records.load("train", 4), verbose=0)


def test_other_answers_do_not_matter_where_none_is_compared(write, task):
    records = write(answers=OTHER_ANSWERS)
    data = records.load("train", 4, targets=None)
    assert task.predict(data, verbose=0).shape == (6, 3)
    assert task.attend(data)["regions_1"].shape == (6, 6)
    with_targets = records.load("train", 4)
    assert task.predict(with_targets, verbose=0).shape == (6, 3)
    assert task.attend(with_targets)["regions_1"].shape == (6, 6)


def test_words_that_lost_their_accents_are_refused(write, task):
    records = write(strip_accents=True)
    match = "strip_accents must be as in the model, False. Received: True"
    with pytest.raises(UserError, match=match):
        task.predict(records.load("train", 4), verbose=0)


def test_validation_data_of_other_words_is_refused(write, task):
    other = write(words=SHUFFLED).load("validation", 4)
    with pytest.raises(UserError, match="words.txt must be the vocabulary"):
        task.fit(write().load("train", 4), validation_data=other, verbose=0)


def test_attention_to_other_words_is_refused(write, task):
    with pytest.raises(UserError, match="words.txt must be the vocabulary"):
        task.attend(write(words=SHUFFLED).load("train", 4))


def test_a_file_with_other_ends_of_lines_has_the_same_words(write, task):
    folder = write().folder
    path = folder / "words.txt"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    info = DatasetInfo.read(folder)
    listed = type(info.question_vocabulary).of(path)
    dataclasses.replace(info, question_vocabulary=listed).write(folder)
    data = Records(folder).load("train", 4)
    assert task.predict(data, verbose=0).shape == (6, 3)


def test_accents_of_old_records_are_not_compared(make_task):
    # vqa_keras 0.1 stripped them always, and its models do not say so.
    folder = pathlib.Path(__file__).parents[1] / "testdata/schema_2/files"
    records = Records(folder)
    preprocessor = make_task().preprocessor
    preprocessor.tokenizer.set_vocabulary(records.vocabulary)
    preprocessor.answers = records.answers
    assert records.info.strip_accents
    check_inputs(records.load("train", 4), preprocessor)


def test_a_dataset_that_was_changed_does_not_know_its_words(write, task):
    data = write(words=SHUFFLED).load("train", 4)
    assert data.vocabularies is not None
    assert task.predict(data.take(1), verbose=0).shape == (4, 3)


def test_a_task_without_a_preprocessor_reads_all_records(write, task):
    twin = type(task)(task.backbone, 3)
    data = write(words=SHUFFLED).load("train", 4)
    assert twin.predict(data, verbose=0).shape == (6, 3)
