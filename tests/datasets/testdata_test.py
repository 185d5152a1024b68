"""Every reader reads the small set of its format below tests/testdata."""

import pathlib

import pytest

from vqa_keras.datasets.question_table import QuestionTable
from vqa_keras.datasets.readers import READERS
from vqa_keras.images import decode

TESTDATA = pathlib.Path(__file__).parents[1] / "testdata"


@pytest.fixture
def read(tmp_path):
    def read(name):
        reader = READERS[name]
        with QuestionTable(tmp_path / "table.sqlite") as table:
            folder = reader.find(TESTDATA / name)
            reader.read(folder, table)
            table.finish()
            splits = {s: list(table.images(s)) for s in table.splits()}
            return splits, list(table.dropped())

    return read


@pytest.mark.parametrize("name", ["vqa_v1", "vqa_v2"])
def test_official_files_are_read_with_their_images(read, name):
    splits, dropped = read(name)
    counts = {
        split: (len(images), sum(len(image.questions) for image in images))
        for split, images in splits.items()
    }
    assert counts == {"train": (4, 24), "validation": (1, 6), "test": (1, 6)}
    assert dropped == []
    for images in splits.values():
        for image in images:
            data = (TESTDATA / name / image.path).read_bytes()
            assert decode(data).shape == (72, 96, 3)
    first = splits["train"][0].questions[0]
    assert (first.question_id, len(first.answers)) == ("2000", 10)
    paired = [
        question.question_id
        for image in splits["train"]
        for question in image.questions
        if question.complementary_id
    ]
    assert bool(paired) == (name == "vqa_v2")


def test_own_data_is_read_with_its_photographs(read):
    splits, dropped = read("jsonl")
    assert dropped == []
    (train,), (validation,) = splits["train"], splits["validation"]
    for image, size in ((train, 3), (validation, 3)):
        data = (TESTDATA / "jsonl" / image.path).read_bytes()
        assert decode(data).shape[2] == size
        assert len(image.questions) == 3
    assert [q.answers[0] for q in train.questions] == [
        "palace",
        "blue",
        "yes",
    ]
