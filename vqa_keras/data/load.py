"""Reads records as batches of tensors for `fit`, `evaluate` and `predict`."""

import os

import tensorflow as tf

from vqa_keras.data.dataset_info import DatasetInfo
from vqa_keras.data.epoch_plan import plan_epoch
from vqa_keras.data.example_parser import ExampleParser
from vqa_keras.data.records import decode
from vqa_keras.errors import UserError

SHUFFLE_BYTES = 256 * 2**20
_QUESTION_BYTES = 1024  # taken for a question without its image
_OPEN_SHARDS = 8
_RUN = 8  # records that are read from one of the open shards at a time
_BLOCK = 64  # records that are parsed in one call, if they fit
_BLOCK_BYTES = 8 * 2**20
_THREADS = min(8, os.cpu_count())


def load(
    directory,
    split,
    batch_size,
    *,
    inputs="regions",
    level=None,
    image_size=None,
    targets="answer",
    shuffle=False,
    seed=0,
    first_epoch=0,
    epochs=1,
    shard=(0, 1),
    drop_remainder=False,
    answerable_only=False,
    limit=None,
    share_images=False,
    verify=True,
    shuffle_bytes=SHUFFLE_BYTES,
):
    """Returns a `tf.data.Dataset` of the questions of a split.

    An element is a batch of B questions, `(inputs, targets)`, where `inputs`
    is a dict of

        regions       (B, M, C) float16: the features of the image, in raster
                      order, zero padded if images differ in M
        regions_mask  (B, M) int32: 1 at regions, 0 at padding
        token_ids     (B, N) int32: 0 at padding
        grid_1, ...   (B, h, w, C) float16, instead of regions and their mask:
                      the grids of all CNN layers, that with the most cells
                      first and layers of equal size by name
        images        (B, H, W, 3) uint8, instead of regions and their mask

    and `targets` is (B, A) float32, A the number of answers.

    With `share_images` the images of a batch are not repeated for each of
    their questions: regions, grids or images have a row an image, and the
    inputs also hold

        image_index   (B,) int32: the row of each question's image

    which every `VQA` takes: what depends on the image alone is computed once
    per image, and reading is several times faster. A batch holds all questions
    of its images, so B is about `batch_size`, and questions are shuffled by
    image only.

    The stream holds the epochs `first_epoch` to `epochs - 1` one after the
    other and ends; no batch spans two. The order of an epoch depends on `seed`
    and on the epoch only, so a run resumed at `first_epoch=k` sees the batches
    that the whole run sees from epoch k on. For `fit`:

        steps = steps_per_epoch(directory, "train", 256)
        data = load(directory, "train", 256, shuffle=True, epochs=10)
        model.fit(data, epochs=10, steps_per_epoch=steps, shuffle=False)

    An epoch reads the shards once. Shuffling goes over the order of the shards,
    over images in a buffer and over questions in a buffer.

    Args:
        directory: folder of records with its `dataset_info.json`.
        split: name of the split, such as "train".
        batch_size: int. Questions a batch; the last of an epoch may have less.
        inputs: "regions" for stored features of one CNN layer, "grids" for
            those of all, "images" for pixels.
        level: name of the CNN layer of "regions". Defaults to the last one.
        image_size: `(height, width)` of `images`. Defaults to the size that
            the CNN of the records saw.
        targets: "answer": one-hot of the answer; "scores": soft score of every
            answer; None: the elements are `inputs` alone. An answer outside
            the vocabulary gives a row of zeros.
        shuffle: whether to shuffle. Without, questions come in the order of
            `read_images`.
        seed: int. Seed of the order.
        first_epoch: int. Epoch at which the stream starts.
        epochs: int. Epoch before which the stream ends.
        shard: `(index, count)`: gives worker `index` of `count` its images, the
            same in every epoch.
        drop_remainder: whether to drop the last batch if it is not full.
        answerable_only: whether to leave out questions whose answer is outside
            the vocabulary.
        limit: int. Number of images to use, the first ones of the split.
            Defaults to all.
        share_images: whether a batch holds an image once for all its questions.
        verify: whether to compare the shards with their checksums first, once a
            process.
        shuffle_bytes: int. Memory that the shuffle buffers may take.

    Returns:
        A `tf.data.Dataset` that knows its number of batches.

    Raises:
        UserError: if an argument is not one of the above, the records lack what
            it asks for, or a file is missing, truncated or changed.
    """
    info = DatasetInfo.read(directory)
    if verify:
        info.verify(split)
    parser = ExampleParser(
        info, inputs, level, image_size, targets, answerable_only
    )
    plan = plan_epoch(info, split, shard, answerable_only, limit)
    steps = plan.steps(batch_size, drop_remainder, share_images)
    if not 0 <= first_epoch < epochs:
        raise UserError(
            "needed epochs from `first_epoch` >= 0 to a later `epochs`. "
            f"Received: first_epoch={first_epoch}, epochs={epochs}"
        )
    buffers = _Buffers(plan, parser.image_bytes, shuffle_bytes)

    def read_epoch(epoch):
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

    batches = tf.data.Dataset.range(first_epoch, epochs).flat_map(read_epoch)
    length = tf.data.experimental.assert_cardinality(
        steps * (epochs - first_epoch)
    )
    finish = parser.parse_shared if share_images else parser.finish
    return (
        batches.map(finish, num_parallel_calls=_THREADS)
        .apply(length)
        .prefetch(2)
        .with_options(_options())
    )


def steps_per_epoch(
    directory,
    split,
    batch_size,
    *,
    shard=(0, 1),
    drop_remainder=False,
    answerable_only=False,
    limit=None,
    share_images=False,
):
    """Returns the number of batches that `load` gives an epoch.

    The arguments are those of `load`.
    """
    info = DatasetInfo.read(directory)
    plan = plan_epoch(info, split, shard, answerable_only, limit)
    return plan.steps(batch_size, drop_remainder, share_images)


def read_images(directory, split, limit=None):
    """Yields the images of a split with their questions, for a closer look.

    Args:
        directory: folder of records with its `dataset_info.json`.
        split: name of the split, such as "test".
        limit: int. Number of images, the first ones. Defaults to all.

    Yields:
        The dict of an image that `vqa_keras.data.records.encode` describes, in
        the order in which `load(shuffle=False)` gives their questions.

    Raises:
        UserError: as `load`.
    """
    info = DatasetInfo.read(directory)
    info.verify(split)
    plan = plan_epoch(info, split, (0, 1), False, limit)
    for path, take, _ in plan.files:
        for record in tf.data.TFRecordDataset(path).take(take):
            yield decode(record.numpy())


def _read(plan, shard, seed):
    """Returns the records of an epoch; a seed shuffles the shards.

    What an element passes takes time: whole shards are not counted through.
    """

    def read_shard(path, take, index):
        records = tf.data.TFRecordDataset(path)
        if plan.whole:
            return records
        records = records.take(tf.cast(take, tf.int64))
        return records.shard(shard[1], tf.cast(index, tf.int64))

    if plan.whole and seed is None:
        return tf.data.TFRecordDataset([path for path, _, _ in plan.files])
    files = tf.data.Dataset.from_tensor_slices(
        tuple(map(list, zip(*plan.files, strict=True)))
    )
    if seed is not None:
        files = files.shuffle(len(plan.files), seed, False)
    return files.interleave(
        read_shard,
        cycle_length=1 if seed is None else _OPEN_SHARDS,
        block_length=_RUN,
    )


class _Buffers:
    """Numbers of elements that fit into a number of bytes.

    Args:
        plan: `EpochPlan` of what is read.
        image_bytes: memory that the image of one question takes.
        shuffle_bytes: memory for the two shuffle buffers together.

    Attributes:
        images: size of the shuffle buffer of records.
        questions: size of the shuffle buffer of questions.
        block: number of records that are parsed in one call.
    """

    def __init__(self, plan, image_bytes, shuffle_bytes):
        half = shuffle_bytes // 2
        question_bytes = image_bytes + _QUESTION_BYTES
        self.images = _bounded(half // plan.record_bytes, plan.images)
        self.questions = _bounded(half // question_bytes, plan.questions)
        block_bytes = (
            question_bytes * plan.questions // plan.images + image_bytes
        )
        self.block = _bounded(_BLOCK_BYTES // block_bytes, _BLOCK)


def _bounded(number, maximum):
    return max(1, min(number, maximum))


def _options():
    options = tf.data.Options()
    options.deterministic = True
    options.autotune.enabled = False
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.OFF  # `shard` does it
    )
    return options
