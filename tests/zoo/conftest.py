"""A zoo of two small entries, records of a few shapes, and a trained run."""

import contextlib
import io
import os
import pathlib
import runpy
import subprocess
import sys
from typing import NamedTuple

import keras
import numpy as np
import pytest
from absl import app
from absl import flags
from PIL import Image

from vqa_keras import zoo
from vqa_keras.data.dataset_info import DatasetInfo
from vqa_keras.data.dataset_info import file_entry
from vqa_keras.data.dataset_info import split_entry
from vqa_keras.data.records import encode
from vqa_keras.data.saved_encoder import FILE
from vqa_keras.data.saved_encoder import describe_encoder
from vqa_keras.data.shards import write_shard
from vqa_keras.image_encoders import GridCNNBackbone
from vqa_keras.text import QuestionTokenizer
from vqa_keras.zoo import recipe

ROOT = pathlib.Path(__file__).parents[2]
COMMANDS = pathlib.Path(__file__).parent / "killed_command.py"
COLORS = {"red": (220, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 220)}
ANSWERS = ["yes", "no", *COLORS]
WORDS = "[PAD] [UNK] is there a red green blue shape what color the it".split()
RECIPE = """
model = "StackedBackbone"
mechanism = "a test"
source = "https://example.com/tiny"

[backbone]
vocabulary_size = 9
regions_dim = 4
embedding_dim = 6
hidden_dim = 8
attention_dim = 8
num_hops = 2
dropout = 0.1

[head]
num_classes = 3
hidden_dim = 8
dropout = 0.1
activation = "{activation}"

[training]
inputs = "{inputs}"
targets = "{targets}"
batch_size = 8
epochs = 2
learning_rate = 1e-2
seed = 1
"""
IMAGE_ENCODER = """
[image_encoder]
model = "GridCNNBackbone"
filters = [6, 8]
kernel_sizes = [2, 2]
strides = [2, 2]
image_shape = [16, 16, 3]
"""


class Done(NamedTuple):
    status: int
    stdout: str
    stderr: str


@pytest.fixture(scope="session")
def zoo_folder(tmp_path_factory):
    """Entries `tiny` (regions, one answer) and `pixels` (images, scores)."""
    folder = tmp_path_factory.mktemp("zoo")
    tiny = RECIPE.format(
        activation="softmax", inputs="regions", targets="answer"
    )
    pixels = RECIPE.format(
        activation="sigmoid", inputs="images", targets="scores"
    )
    for name, text in {"tiny": tiny, "pixels": pixels + IMAGE_ENCODER}.items():
        (folder / name).mkdir()
        (folder / name / "recipe.toml").write_text(text)
    return folder


@pytest.fixture(scope="session")
def call(zoo_folder):
    """Returns `call(command, *arguments)`: a command of the zoo, as `Done`."""

    def call(command, *arguments):
        app.define_help_flags()
        known, argv = set(flags.FLAGS), sys.argv
        sys.argv = [command, *map(str, arguments)]
        out, err = io.StringIO(), io.StringIO()
        try:
            with (
                pytest.MonkeyPatch.context() as patch,
                contextlib.redirect_stdout(out),
                contextlib.redirect_stderr(err),
            ):
                patch.setattr(recipe, "entries", lambda: zoo_folder)
                patch.setattr(zoo, "entries", lambda: zoo_folder)
                runpy.run_module(
                    f"vqa_keras.zoo.{command}", None, "__main__", True
                )
        except SystemExit as end:
            status = end.code or 0
        finally:
            sys.argv = argv
            for name in set(flags.FLAGS) - known:
                with contextlib.suppress(AttributeError):
                    delattr(flags.FLAGS, name)
        return Done(status, out.getvalue(), err.getvalue())

    return call


@pytest.fixture(scope="session")
def call_killed(zoo_folder):
    """Returns `call(point, *arguments)`: training that kills itself there."""

    def call(point, *arguments):
        return subprocess.run(
            [sys.executable, COMMANDS, zoo_folder, point, *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )

    return call


def _questions(image_id, color):
    asked = [("what color is the shape?", "other", color)]
    for other in COLORS:
        answer = "yes" if other == color else "no"
        asked.append((f"is there a {other} shape?", "yes/no", answer))
    tokenizer = QuestionTokenizer(WORDS, sequence_length=6)
    return [
        {
            "question_id": f"{image_id}-{i}",
            "question": question,
            "question_type": "color",
            "answer_type": kind,
            "answer": answer,
            "answer_id": ANSWERS.index(answer),
            "all_answers": [answer],
            "token_ids": tokenizer.padded_ids(question),
            "object_boxes": [],
            "complementary_id": "",
            "scores": {ANSWERS.index(answer): 1.0},
        }
        for i, (question, kind, answer) in enumerate(asked)
    ]


def _write_records(directory, encoder_seed=0, words=WORDS):
    directory.mkdir()
    keras.utils.set_random_seed(encoder_seed)
    encoder = GridCNNBackbone((6, 8), (2, 2), (2, 2), (16, 16, 3))
    encoder.save(directory / FILE)
    random = np.random.default_rng(0)
    splits = {}
    for split, count in {"train": 10, "validation": 4, "test": 6}.items():
        images = []
        for n in range(count):
            color = list(COLORS)[n % 3]
            pixels = np.full((16, 16, 3), 240, "uint8")
            y, x = 4 * random.integers(0, 4, 2)
            pixels[y : y + 4, x : x + 4] = COLORS[color]
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, "PNG")
            grid = encoder.predict_on_batch(pixels[None])[0]
            images.append(
                {
                    "image_id": f"{split}-{n}",
                    "image": file.getvalue(),
                    "image_size": (16, 16),
                    "features": {"grid": grid.astype("float16")},
                    "boxes": None,
                    "questions": _questions(f"{split}-{n}", color),
                }
            )
        name = directory / f"{split}-00000-of-00001.tfrecord"
        splits[split] = split_entry([write_shard(name, map(encode, images))])
    (directory / "words.txt").write_text("\n".join(words) + "\n")
    (directory / "answers.txt").write_text("\n".join(ANSWERS) + "\n")
    DatasetInfo(
        dataset="easy_vqa",
        splits=splits,
        question_vocabulary=file_entry(directory / "words.txt"),
        answer_vocabulary=file_entry(directory / "answers.txt"),
        sequence_length=6,
        image_encoder=describe_encoder(encoder, "random_cnn"),
    ).write(directory)
    return directory


@pytest.fixture
def write_records(tmp_path):
    """Returns `write(encoder_seed=0, words=WORDS)`, which gives the folder."""
    return lambda **changes: _write_records(tmp_path / "other", **changes)


@pytest.fixture(scope="session")
def records(tmp_path_factory):
    """Records of colored squares: 10, 4 and 6 images of 4 questions."""
    return _write_records(tmp_path_factory.mktemp("data") / "records")


@pytest.fixture(scope="session")
def run(call, records, tmp_path_factory):
    """A run of `tiny`: two epochs, by the train command."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    done = call("train", "tiny", f"--data={records}", f"--output={folder}")
    assert done.status == 0, done.stderr
    return folder
