"""Compares `vqa_keras.data.load` with reading the same files and no more.

    python benchmarks/reading.py [--images=1000 --rounds=5]

Four ways to go once through the same questions, ten an image, whose features
are float16 grids of 8 x 8 x 128:

    file bytes          a bare tf.data.TFRecordDataset over the shards. Nothing
                        is parsed: this is the most that a reader can reach.
    load                what training reads, without shuffling.
    load, shuffled      the same in the order of an epoch of training.
    load, a record a question
                        the same questions from records that repeat the image
                        for each of them, as a simpler format would.

The ways take turns and the ratios are medians over the rounds, so that they
hold on a busy machine where the speeds do not. All files come from the page
cache: with a slow disk the last way, whose files are ten times larger, loses
more.
"""

import pathlib
import tempfile

import tensorflow as tf
from absl import flags
from support import rounds
from support import synthetic

from vqa_keras import data
from vqa_keras.command import run
from vqa_keras.data.dataset_info import DatasetInfo
from vqa_keras.data.dataset_info import file_entry
from vqa_keras.data.dataset_info import split_entry
from vqa_keras.data.records import encode
from vqa_keras.data.shards import write_shard

_IMAGES = flags.DEFINE_integer("images", 1000, "Images.", lower_bound=8)
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Rounds.", lower_bound=1)
_SHARDS = 4
_BATCH_SIZE = 256
_FILE_BYTES = "file bytes"
_LOAD = "load"
_PER_QUESTION = "load, a record a question"


def main(argv):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        images = list(synthetic.images(_IMAGES.value))
        _write(folder / "images", images)
        _write(folder / "questions", map(_one_question, _pairs(images)))
        questions = len(images) * synthetic.QUESTIONS
        ways = {
            _FILE_BYTES: lambda: _drain_files(folder / "images"),
            _LOAD: lambda: _drain(folder / "images", questions),
            "load, shuffled": lambda: _drain(
                folder / "images", questions, shuffle=True
            ),
            _PER_QUESTION: lambda: _drain(folder / "questions", questions),
        }
        seconds = rounds.measure(ways, _ROUNDS.value)
        for name in ("images", "questions"):
            size = sum(p.stat().st_size for p in _shards(folder / name))
            print(f"records of {name}: {size / 2**20:.0f} MiB")
    work = dict.fromkeys(ways, questions)
    rounds.print_table(seconds, _FILE_BYTES, work, "questions")
    gain = rounds.ratios(seconds, _PER_QUESTION)[_LOAD]
    print(f"a record an image is {gain:.2f} times as fast as one a question")


def _pairs(images):
    for image in images:
        for question in image["questions"]:
            yield image, question


def _one_question(pair):
    image, question = pair
    return {**image, "questions": [question]}


def _write(folder, images):
    folder.mkdir()
    records = [encode(image) for image in images]
    shards = [
        write_shard(folder / f"{i}.tfrecord", records[i::_SHARDS])
        for i in range(_SHARDS)
    ]
    words = folder / "words.txt"
    words.write_text("[PAD]\n[UNK]\n")
    answers = folder / "answers.txt"
    answers.write_text(
        "".join(f"answer {i}\n" for i in range(synthetic.ANSWERS))
    )
    DatasetInfo(
        dataset="synthetic",
        splits={"train": split_entry(shards)},
        question_vocabulary=file_entry(words),
        answer_vocabulary=file_entry(answers),
        sequence_length=synthetic.WORDS,
        stored_images=False,
        image_encoder={
            "name": "none",
            "file": "none.keras",
            "weights_sha256": "",
            "image_size": [64, 64],
            "levels": {"grid": list(synthetic.GRID)},
        },
    ).write(folder)


def _shards(folder):
    return sorted(folder.glob("*.tfrecord"))


def _drain_files(folder):
    files = [str(path) for path in _shards(folder)]
    tf.data.TFRecordDataset(files).reduce(0, lambda n, _: n + 1)


def _drain(folder, questions, shuffle=False):
    """Goes through an epoch inside TensorFlow and counts the questions."""
    batches = data.load(folder, "train", _BATCH_SIZE, shuffle=shuffle)
    count = batches.reduce(0, lambda n, batch: n + tf.shape(batch[1])[0])
    if count != questions:
        raise RuntimeError(f"{questions} questions expected, {count} read")


if __name__ == "__main__":
    run(main)
