"""Compares `write_shard` and `encode` with their simplest alternatives.

    python benchmarks/writing.py [--images=1000 --rounds=5]

Writing the same encoded records to a file:

    plain writer        tf.io.TFRecordWriter alone. A process that dies leaves a
                        truncated file that looks complete.
    write_shard         used by the pipeline: also counts the questions,
                        computes the sha256 of the file, renames it and writes
                        its marker.
    write_shard, flushed
                        also waits for the disk. The pipeline does so once, for
                        all shards, after the system has written most of them.

Encoding the same features of an image, 8 x 8 x 128 numbers:

    raw bytes           `encode` without the questions: float16 bytes.
    with questions      `encode` of the image with its ten questions.
    list of floats      the usual tf.train.FloatList, without questions.

The ways alternate; ratios are medians over the rounds. The difference between
the writers depends on the disk, that between the encoders does not.
"""

import dataclasses
import itertools
import pathlib
import tempfile

import tensorflow as tf
from absl import flags
from support import rounds
from support import synthetic

from vqa_keras.command import run
from vqa_keras.data.records import encode
from vqa_keras.files import flush_files
from vqa_keras.writing.shards import write_shard

_IMAGES = flags.DEFINE_integer("images", 1000, "Images.", lower_bound=1)
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Rounds.", lower_bound=1)
_LISTS = 100  # images encoded as lists, which is slow


def main(argv):
    images = list(synthetic.images(_IMAGES.value))
    _compare_writers([encode(image) for image in images])
    print()
    _compare_encoders(images)


def _compare_writers(records):
    numbers = itertools.count()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        ways = {
            "plain writer": lambda: _write(
                folder / f"{next(numbers)}.tfrecord", records
            ),
            "write_shard": lambda: write_shard(
                folder / f"{next(numbers)}.tfrecord", records
            ),
            "write_shard, flushed": lambda: _write_and_flush(
                folder / f"{next(numbers)}.tfrecord", records
            ),
        }
        seconds = rounds.measure(ways, _ROUNDS.value)
    work = dict.fromkeys(ways, len(records))
    rounds.print_table(seconds, "plain writer", work, "images")


def _compare_encoders(images):
    bare = [dataclasses.replace(image, questions=[]) for image in images]
    few = images[:_LISTS]
    ways = {
        "raw bytes": lambda: [encode(image) for image in bare],
        "with questions": lambda: [encode(image) for image in images],
        "list of floats": lambda: [_as_list(image) for image in few],
    }
    seconds = rounds.measure(ways, _ROUNDS.value)
    work = {**dict.fromkeys(ways, len(images)), "list of floats": len(few)}
    rounds.print_table(seconds, "raw bytes", work, "images")


def _write(path, records):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record.data)


def _write_and_flush(path, records):
    write_shard(path, records)
    flush_files([path])


def _as_list(image):
    values = image.features["grid"].astype("float32").ravel()
    feature = tf.train.Feature(float_list=tf.train.FloatList(value=values))
    features = tf.train.Features(feature={"grid": feature})
    return tf.train.Example(features=features).SerializeToString()


if __name__ == "__main__":
    run(main)
