"""Compares `vqa_keras.data.load` with only reading the same files.

    python benchmarks/reading.py [--images=2000 --rounds=5]

Each way iterates once over the same questions, ten per image, whose features
are float16 grids of 8 x 8 x 128:

    file bytes          a bare tf.data.TFRecordDataset over the shards, without
                        parsing: the upper bound of a reader's speed.
    load, shared        batches that hold an image once: share_images=True.
    load, shared and shuffled
                        the same in the order of an epoch of training.
    load                batches that repeat the image for each question.
    load, a record per question
                        the same questions from records that repeat the image
                        for each of them, as a simpler format would.
    .npz files          one file of arrays per image, read once for all its
                        questions by two threads, batches stacked by NumPy, as
                        a data loader over a folder of features does.

The ways alternate; ratios are medians over the rounds and hold on a busy
machine, where speeds do not. Only iterating over an epoch is timed. `load` is
called before, as it is called once for a training of many epochs; its time is
printed separately. All files are in the page cache: with a slow disk, records
of questions, whose files are ten times larger, are slower still.
"""

import concurrent.futures
import dataclasses
import pathlib
import tempfile
import time

import numpy as np
import tensorflow as tf
from absl import flags
from support import rounds
from support import synthetic

from vqa_keras import data
from vqa_keras.command import run
from vqa_keras.data.dataset_info import DatasetInfo
from vqa_keras.data.dataset_info import VocabularyFile
from vqa_keras.data.features import FILES
from vqa_keras.data.features import Features
from vqa_keras.data.records import encode
from vqa_keras.data.splits import Split
from vqa_keras.writing.shards import write_shard

_IMAGES = flags.DEFINE_integer("images", 2000, "Images.", lower_bound=8)
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Rounds.", lower_bound=1)
_SHARDS = 4
_BATCH_SIZE = 256
_FILE_BYTES = "file bytes"
_SHARED = "load, shared"
_PER_QUESTION = "load, a record per question"
_NPZ = ".npz files"
_THREADS = 2


def main(argv):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        images = list(synthetic.images(_IMAGES.value))
        _write(folder / "images", images)
        _write(folder / "questions", map(_one_question, _pairs(images)))
        _write_npz(folder / "npz", images)
        questions = len(images) * synthetic.QUESTIONS
        start = time.perf_counter()
        shared = _load(folder / "images", share_images=True)
        building = time.perf_counter() - start
        shuffled = _load(folder / "images", share_images=True, shuffle=True)
        repeated = _load(folder / "images")
        per_question = _load(folder / "questions")
        files = [str(path) for path in _shards(folder / "images")]
        records = tf.data.TFRecordDataset(files)
        ways = {
            _FILE_BYTES: lambda: records.reduce(0, lambda n, _: n + 1),
            _SHARED: lambda: _drain(shared, questions),
            "load, shared and shuffled": lambda: _drain(shuffled, questions),
            "load": lambda: _drain(repeated, questions),
            _PER_QUESTION: lambda: _drain(per_question, questions),
            _NPZ: lambda: _drain_npz(folder / "npz", questions),
        }
        seconds = rounds.measure(ways, _ROUNDS.value)
        for name in ("images", "questions"):
            size = sum(p.stat().st_size for p in _shards(folder / name))
            print(f"records of {name}: {size / 2**20:.0f} MiB")
    print(f"calling load the first time: {building:.2f} s")
    work = dict.fromkeys(ways, questions)
    rounds.print_table(seconds, _FILE_BYTES, work, "questions")
    for other in (_PER_QUESTION, _NPZ):
        gain = rounds.ratios(seconds, other)[_SHARED]
        print(f"{_SHARED!r} is {gain:.2f} times as fast as {other!r}")


def _pairs(images):
    for image in images:
        for question in image.questions:
            yield image, question


def _one_question(pair):
    image, question = pair
    return dataclasses.replace(image, questions=[question])


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
        splits={"train": Split.of(shards)},
        question_vocabulary=VocabularyFile.of(words),
        answer_vocabulary=VocabularyFile.of(answers),
        sequence_length=synthetic.WORDS,
        stored_images=False,
        features=Features(FILES, "none", "0" * 64, {"grid": synthetic.GRID}),
    ).write(folder)


def _shards(folder):
    return sorted(folder.glob("*.tfrecord"))


def _load(folder, **options):
    return data.load(folder, "train", _BATCH_SIZE, **options)


def _drain(batches, questions):
    """Iterates over an epoch inside TensorFlow and counts the questions."""
    count = batches.reduce(0, lambda n, batch: n + tf.shape(batch[1])[0])
    _check(count, questions)


def _write_npz(folder, images):
    folder.mkdir()
    for image in images:
        np.savez(
            folder / f"{image.image_id}.npz",
            features=image.features["grid"],
            token_ids=[q.token_ids for q in image.questions],
            answer_ids=[q.answer_id for q in image.questions],
        )


def _drain_npz(folder, questions):
    paths = sorted(folder.iterdir())
    size = _BATCH_SIZE // synthetic.QUESTIONS
    batches = [paths[i : i + size] for i in range(0, len(paths), size)]
    with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
        count = sum(len(y) for _, y in pool.map(_npz_batch, batches))
    _check(count, questions)


def _npz_batch(paths):
    """The inputs and targets of `load(..., share_images=True)`."""
    files = [np.load(path) for path in paths]
    grids = np.stack([file["features"] for file in files])
    regions = grids.reshape(len(files), -1, grids.shape[-1])
    tokens = [file["token_ids"] for file in files]
    answers = np.concatenate([file["answer_ids"] for file in files])
    inputs = {
        "regions": regions,
        "regions_mask": np.ones(regions.shape[:2], "int32"),
        "token_ids": np.concatenate(tokens).astype("int32"),
        "image_index": np.repeat(range(len(files)), [len(t) for t in tokens]),
    }
    return inputs, np.eye(synthetic.ANSWERS, dtype="float32")[answers]


def _check(count, questions):
    if count != questions:
        raise RuntimeError(
            f"An epoch must have {questions} questions. Received: {count}"
        )


if __name__ == "__main__":
    run(main)
