"""The notebook runs from its first cell to its last on a handful of images."""

import collections
import io
import os
import pathlib
import subprocess
import sys

import keras
import nbformat
import pytest
from PIL import Image
from PIL import ImageDraw

from vqa_keras.data import DatasetInfo
from vqa_keras.data.dataset_info import VocabularyFile
from vqa_keras.data.image_record import ImageRecord
from vqa_keras.data.records import encode
from vqa_keras.data.splits import Split
from vqa_keras.datasets.question import Question
from vqa_keras.images import decode
from vqa_keras.text.vocabulary import question_vocabulary
from vqa_keras.text.vocabulary import write_vocabulary
from vqa_keras.writing.feature_extractor import FeatureExtractor
from vqa_keras.writing.record_text import RecordText
from vqa_keras.writing.saved_encoder import describe_encoder
from vqa_keras.writing.shards import write_shard

ROOT = pathlib.Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks" / "quickstart.py"
COLORS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
ANSWERS = ["yes", "no", *COLORS]
SPLITS = {"train": 6, "validation": 3, "test": 3}

pytestmark = pytest.mark.slow


def picture(color):
    """Returns the bytes of a PNG file with a rectangle of a color."""
    image = Image.new("RGB", (16, 16), "white")
    ImageDraw.Draw(image).rectangle((3, 5, 8, 11), fill=COLORS[color])
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def questions(color, image_id):
    pairs = [("what color is the shape?", color)]
    for other in COLORS:
        answer = "yes" if other == color else "no"
        pairs.append((f"is the shape {other}?", answer))
    return [
        Question(
            question_id=f"{image_id}-{i}",
            question=question,
            question_type="color",
            answer_type="yes/no" if answer in ("yes", "no") else "other",
            answers=[answer],
        )
        for i, (question, answer) in enumerate(pairs)
    ]


def write_images(path, name, count, text, extract):
    """Writes a shard of `count` images whose colors take turns."""
    records = []
    for i in range(count):
        color = list(COLORS)[i % len(COLORS)]
        content = picture(color)
        image_id = f"{name}-{i}"
        records.append(
            encode(
                ImageRecord(
                    image_id=image_id,
                    image=content,
                    image_size=(16, 16),
                    features=extract([decode(content)])[0],
                    boxes=None,
                    questions=text.encode(questions(color, image_id))[0],
                )
            )
        )
    return write_shard(path, records)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Twelve images like those of easy-VQA with the features of a tiny CNN."""
    folder = tmp_path_factory.mktemp("records")
    images = keras.Input((16, 16, 3))
    grid = keras.layers.Rescaling(1 / 255)(images)
    grid = keras.layers.Conv2D(6, 4, strides=4, activation="relu")(grid)
    encoder = keras.Model(images, grid)
    features = describe_encoder(encoder, "tiny")
    encoder.save(folder / features.file)
    extract = FeatureExtractor(folder / features.file, list(features.levels), 1)

    words = "what color is the shape red green blue".split()
    vocabulary = question_vocabulary(collections.Counter(words))
    write_vocabulary(folder / "words.txt", vocabulary)
    write_vocabulary(folder / "answers.txt", ANSWERS)
    text = RecordText(vocabulary, ANSWERS, sequence_length=5)
    splits = {
        name: Split.of(
            [
                write_images(
                    folder / f"{name}.tfrecord", name, count, text, extract
                )
            ]
        )
        for name, count in SPLITS.items()
    }
    DatasetInfo(
        dataset="colors",
        splits=splits,
        question_vocabulary=VocabularyFile.of(folder / "words.txt"),
        answer_vocabulary=VocabularyFile.of(folder / "answers.txt"),
        sequence_length=5,
        features=features,
    ).write(folder)
    return folder


@pytest.fixture(scope="module")
def executed(records, tmp_path_factory):
    """Runs the notebook in a process of its own: `output folder, text`.

    The folder holds a SavedModel of an earlier run.
    """
    output = tmp_path_factory.mktemp("output")
    (output / "saved_model" / "1").mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, str(NOTEBOOK)],
        cwd=ROOT,
        env=os.environ
        | {
            "PYTHONPATH": str(ROOT),
            "VQA_RECORDS": str(records),
            "VQA_NOTEBOOK_OUTPUT": str(output),
            "VQA_NOTEBOOK_EPOCHS": "2",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    return output, done.stdout


def test_prints_what_the_records_and_the_model_are(executed):
    _, printed = executed
    assert "train: 6 images, 24 questions" in printed
    assert "a grid of (4, 4) regions with 6 features each" in printed
    assert "Epoch 2/2" in printed
    assert "regions_2 (12, 16)" in printed


def test_leaves_a_card_and_a_preset(executed):
    output, _ = executed
    card = (output / "answer.html").read_text(encoding="utf-8")
    assert ">what color is the shape?</h3>" in card
    assert card.count("data:image/png;base64,") == 3  # picture and two hops
    assert card.count("<li") == 3
    preset = {path.name for path in (output / "preset").iterdir()}
    assert {"config.json", "task.json", "task.weights.h5"} <= preset


def test_exports_beside_the_saved_model_of_an_earlier_run(executed):
    output, _ = executed
    assert (output / "saved_model" / "2" / "saved_model.pb").is_file()
    assert list((output / "saved_model" / "1").iterdir()) == []


def test_restored_task_and_saved_model_give_the_same_answer(executed):
    lines = executed[1].splitlines()
    _, served = lines[-3].split()  # the first of three, best first
    assert served in ANSWERS
    assert f"['{served}']" in lines


def test_opens_as_a_notebook(tmp_path):
    path = tmp_path / "quickstart.ipynb"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "jupytext", "--to", "notebook"),
            *("--output", str(path), str(NOTEBOOK)),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    starts = [
        line
        for line in NOTEBOOK.read_text(encoding="utf-8").splitlines()
        if line.startswith("# %%")
    ]
    kinds = ["markdown" if "[markdown]" in line else "code" for line in starts]
    assert [cell.cell_type for cell in notebook.cells] == kinds
    assert all(cell.source.strip() for cell in notebook.cells)


def test_every_code_cell_follows_prose_and_is_short():
    text = NOTEBOOK.read_text(encoding="utf-8")
    cells = text.split("# %%")[1:]
    for before, cell in zip(cells, cells[1:], strict=False):
        if "[markdown]" not in cell.splitlines()[0]:
            assert "[markdown]" in before.splitlines()[0], cell
            assert len(cell.strip().splitlines()) <= 20, cell
