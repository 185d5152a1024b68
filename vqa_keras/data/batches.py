"""Reads records as batches of tensors, an epoch per pass."""

import itertools
import os
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from vqa_keras.data.epoch_plan import EpochPlan
from vqa_keras.data.example_parser import ExampleParser
from vqa_keras.errors import UserError

_QUESTION_BYTES = 1024  # estimate for a question without its image
_OPEN_SHARDS = 8
_RUN = 8  # records read from one of the open shards at a time
_BLOCK = 64  # records parsed in one call, if they fit
_BLOCK_BYTES = 8 * 2**20
_THREADS = min(8, os.cpu_count() or 1)


def read_batches(
    plan: EpochPlan,
    parser: ExampleParser,
    batch_size: int,
    *,
    shuffle: bool,
    seed: int,
    first_epoch: int | Iterator[int],
    shard: tuple[int, int],
    drop_remainder: bool,
    share_images: bool,
    shuffle_bytes: int,
    check: Callable[[], None] | None = None,
) -> tf.data.Dataset:
    """Returns the dataset that `Records.load` describes.

    `plan` names the records, `parser` turns them into batches, every pass
    calls `check` first; the other arguments are those of `Records.load`.
    """
    steps = plan.steps(batch_size, drop_remainder, share_images)
    buffers = _Buffers(plan, parser.image_bytes, shuffle_bytes)

    def read_epoch(epoch: Any) -> tf.data.Dataset:  # a tensor, used as int
        # Sets the seed of this function's graph only, so that the global seed
        # has no influence on the order. TensorFlow takes no 0 here.
        tf.random.set_seed(1 + seed % (2**31 - 2))
        first, second, third = (3 * epoch + stage for stage in (1, 2, 3))
        records = _read(plan, shard, first if shuffle else None)
        if shuffle:
            records = records.shuffle(buffers.images, second, False)
        if share_images:
            return records.batch(
                plan.images_per_batch(batch_size), drop_remainder
            )
        questions = (
            records.batch(buffers.block)
            .map(parser.parse, num_parallel_calls=_THREADS)
            .unbatch()
        )
        if shuffle:
            questions = questions.shuffle(buffers.questions, third, False)
        if parser.pads:
            return questions.padded_batch(
                batch_size, drop_remainder=drop_remainder
            )
        return questions.batch(batch_size, drop_remainder)

    finish = parser.parse_shared if share_images else parser.finish
    return (
        _epoch_of_pass(first_epoch, shuffle, check)
        .flat_map(read_epoch)
        .map(finish, num_parallel_calls=_THREADS)
        .apply(tf.data.experimental.assert_cardinality(steps))
        .prefetch(2)
        .with_options(_options())
    )


def _epoch_of_pass(
    first_epoch: int | Iterator[int],
    shuffle: bool,
    check: Callable[[], None] | None,
) -> tf.data.Dataset:
    """Returns a dataset of one number: the epoch that a pass over it reads.

    A generator, since Python is called once per pass, for the first batch.
    """
    if isinstance(first_epoch, Iterator):
        epochs = first_epoch
    elif first_epoch >= 0:
        epochs = itertools.count(first_epoch)
    else:
        raise UserError(
            "`first_epoch` must be at least 0. Received: "
            f"first_epoch={first_epoch}"
        )
    if not shuffle:
        epochs = itertools.repeat(0)  # Every epoch is the same.

    def epoch_of_pass() -> Iterator[int]:
        if check is not None:
            check()
        yield next(epochs)

    return tf.data.Dataset.from_generator(
        epoch_of_pass,
        output_signature=tf.TensorSpec((), tf.int64),
    )


def _read(
    plan: EpochPlan, shard: tuple[int, int], seed: Any | None
) -> tf.data.Dataset:
    """Returns the records of an epoch; a seed shuffles the shards.

    Whole shards skip `take` and `shard`, which cost time per record.
    """

    def read_shard(*part: tf.Tensor) -> tf.data.Dataset:
        path, take, first = part
        records = tf.data.TFRecordDataset(path)
        if plan.whole:
            return records
        records = records.take(tf.cast(take, tf.int64))
        return records.shard(shard[1], tf.cast(first, tf.int64))

    if plan.whole and seed is None:
        return tf.data.TFRecordDataset([path for path, _, _ in plan.parts])
    files = tf.data.Dataset.from_tensor_slices(
        tuple(map(list, zip(*plan.parts, strict=True)))
    )
    if seed is not None:
        files = files.shuffle(len(plan.parts), seed, False)
    return files.interleave(
        read_shard,
        cycle_length=1 if seed is None else _OPEN_SHARDS,
        block_length=_RUN,
    )


class _Buffers:
    """Computes the numbers of elements that fit into a number of bytes.

    Args:
        plan: `EpochPlan` of the records.
        image_bytes: memory that the image of one question takes.
        shuffle_bytes: memory for both shuffle buffers together.

    Attributes:
        images: size of the shuffle buffer of records.
        questions: size of the shuffle buffer of questions.
        block: number of records that are parsed in one call.
    """

    def __init__(self, plan: EpochPlan, image_bytes: int, shuffle_bytes: int):
        half = shuffle_bytes // 2
        question_bytes = image_bytes + _QUESTION_BYTES
        self.images = _bounded(half // plan.record_bytes, plan.images)
        self.questions = _bounded(half // question_bytes, plan.questions)
        block_bytes = (
            question_bytes * plan.questions // plan.images + image_bytes
        )
        self.block = _bounded(_BLOCK_BYTES // block_bytes, _BLOCK)


def _bounded(number: int, maximum: int) -> int:
    return max(1, min(number, maximum))


def _options() -> tf.data.Options:
    options = tf.data.Options()
    options.deterministic = True
    options.autotune.enabled = False
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.OFF  # `shard` does it
    )
    return options
