"""Small records without a pipeline: tests of reading write them directly."""

import io

import numpy as np
import pytest
from PIL import Image

from vqa_keras.data.dataset_info import DatasetInfo
from vqa_keras.data.dataset_info import file_entry
from vqa_keras.data.dataset_info import split_entry
from vqa_keras.data.records import encode
from vqa_keras.data.shards import write_shard

ANSWERS = ["yes", "no", "red"]


def _make_image(number, num_questions, num_regions=4, image_size=(6, 5)):
    """Image whose features, tokens and answers tell its number."""
    rng = np.random.default_rng(number)
    pixels = rng.integers(0, 256, (*image_size, 3), dtype="uint8")
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    questions = []
    for i in range(num_questions):
        answer_id = (number + i) % 4 - 1
        questions.append(
            {
                "question_id": f"{number}-{i}",
                "question": f"what is it {i}?",
                "question_type": "what",
                "answer_type": "other",
                "answer": "blue" if answer_id < 0 else ANSWERS[answer_id],
                "answer_id": answer_id,
                "all_answers": ["red"] * (i % 3),
                "object_boxes": [[1.0, 2.0, 3.5, 4.0]] * (i % 3),
                "complementary_id": f"{number + 1}-{i}" if i else "",
                "token_ids": [1 + number, 1 + i, i % 2],
                "scores": {} if answer_id < 0 else {2: 0.5, answer_id: 1.0},
            }
        )
    return {
        "image_id": f"image {number}",
        "image": file.getvalue(),
        "image_size": image_size,
        "features": {
            "early": rng.normal(size=(4, 4, 2)).astype("float16"),
            "late": np.full((num_regions, 3), number, "float16"),
        },
        "boxes": None,
        "questions": questions,
    }


@pytest.fixture
def make_image():
    """Returns `make(number, num_questions, num_regions=4)`: image to encode."""
    return _make_image


@pytest.fixture
def images():
    """Ten images, one without a question and one with many."""
    counts = [3, 1, 0, 2, 9, 3, 3, 2, 4, 3]
    return [_make_image(i, count) for i, count in enumerate(counts)]


@pytest.fixture
def write_records(tmp_path):
    """Returns `write(images, late=[2, 2, 3])`, which gives the folder."""

    def write(images, late=(2, 2, 3), **changes):
        directory = tmp_path / "records"
        directory.mkdir()
        parts = [images[:4], images[4:5], images[5:]]
        shards = [
            write_shard(directory / f"train-{i}.tfrecord", map(encode, part))
            for i, part in enumerate(parts)
        ]
        (directory / "words.txt").write_text("[PAD]\n[UNK]\nwhat\n")
        (directory / "answers.txt").write_text("\n".join(ANSWERS) + "\n")
        encoder = {
            "name": "small_cnn",
            "file": "image_encoder.keras",
            "weights_sha256": "a" * 64,
            "image_size": [6, 5],
            "levels": {"early": [4, 4, 2], "late": list(late)},
        }
        values = {
            "dataset": "small",
            "splits": {"train": split_entry(shards), "empty": split_entry([])},
            "question_vocabulary": file_entry(directory / "words.txt"),
            "answer_vocabulary": file_entry(directory / "answers.txt"),
            "sequence_length": 3,
            "image_encoder": encoder,
        }
        DatasetInfo(**values | changes).write(directory)
        return directory

    return write


@pytest.fixture
def records(write_records, images):
    return write_records(images)
