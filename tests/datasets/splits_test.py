"""What all readers of files do with splits and folders of images."""

import json

import pytest

from tests.datasets import clevr_test
from tests.datasets import coco_qa_test
from tests.datasets import csv_test
from tests.datasets import daquar_test
from tests.datasets import gqa_test
from tests.datasets import vizwiz_test
from vqa_keras.datasets.question_table import QuestionTable
from vqa_keras.datasets.readers import READERS
from vqa_keras.errors import UserError


def write_vqa(folder, name):
    row = {"question_id": 1, "image_id": 5, "question": "is it?"}
    path = folder / f"{name}OpenEnded_mscoco_test2015_questions.json"
    path.write_text(json.dumps({"questions": [row]}))


# Each writes a test split alone, of one image.
WRITERS = {
    "jsonl": lambda f: csv_test.write(f, csv_test.ROWS, "test.csv"),
    "vqa_v1": lambda f: write_vqa(f, ""),
    "vqa_v2": lambda f: write_vqa(f, "v2_"),
    "gqa": lambda f: gqa_test.write(
        f, "test", {"1": gqa_test.asked_without_answer()}
    ),
    "vizwiz": lambda f: vizwiz_test.write(
        f, "test", [vizwiz_test.asked_without_answers()]
    ),
    "clevr": lambda f: clevr_test.write(f, "test", [clevr_test.asked("test")]),
    "daquar": lambda f: daquar_test.write(
        f, "what is it in the image1 ?\nbed\n", "qa.37.raw.test.txt"
    ),
    "coco_qa": lambda f: coco_qa_test.write(f, coco_qa_test.TEST, "test"),
}


@pytest.mark.parametrize("dataset", WRITERS)
def test_a_test_split_alone_is_read(folder, read_all, dataset):
    WRITERS[dataset](folder)
    splits = read_all(dataset, validation_fraction=0.5)
    assert {split: len(images) for split, images in splits.items()} == {
        "test": 1
    }


@pytest.mark.parametrize("dataset", WRITERS)
def test_images_may_be_apart_from_the_annotations(
    folder, read_all, tmp_path, dataset
):
    WRITERS[dataset](folder)
    (published,) = read_all(dataset)["test"]
    (tmp_path / "images").mkdir()
    (image,) = read_all(dataset, images=tmp_path / "images")["test"]
    name = published.path.rpartition("/")[2]
    expected = published.path if dataset == "jsonl" else name
    assert image.path == expected
    path = tmp_path / "images" / published.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    (image,) = read_all(dataset, images=tmp_path / "images")["test"]
    assert image.path == published.path


@pytest.mark.parametrize(
    "dataset", [name for name in READERS if name != "sort_of_clevr"]
)
def test_every_reader_of_files_takes_a_folder_of_images(dataset):
    assert "images" in READERS[dataset].ARGUMENTS


@pytest.mark.parametrize("dataset", WRITERS)
def test_a_missing_folder_is_refused(folder, read_all, dataset):
    with pytest.raises(UserError, match="no --input"):
        READERS[dataset].find()
    folder.rmdir()
    with pytest.raises(UserError, match="Received: no such folder"):
        read_all(dataset)


def test_vocabularies_need_a_training_split(folder, tmp_path):
    WRITERS["daquar"](folder)
    with QuestionTable(tmp_path / "table.sqlite") as table:
        READERS["daquar"].read(folder, table)
        with pytest.raises(
            UserError, match=r"\(--vocabularies\) or from a training split"
        ):
            table.finish()
