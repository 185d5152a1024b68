"""Plans which records an epoch reads, and counts their questions."""

import dataclasses
import functools
from collections.abc import Iterator
from typing import NamedTuple
from typing import cast

import tensorflow as tf

from vqa_keras.data.record_files import RecordFiles
from vqa_keras.data.records import count_questions
from vqa_keras.errors import UserError


class ShardPart(NamedTuple):
    """Records of a shard that one worker reads.

    Args:
        path: of the shard.
        take: number of records, the first ones, that the workers share.
        first: number of the first one that this worker reads. Steps of the
            number of workers lead to the next ones.
    """

    path: str
    take: int
    first: int


@dataclasses.dataclass(frozen=True)
class EpochPlan:
    """Which records an epoch reads, and how many questions they hold.

    Args:
        parts: the parts of shards that are read, in order.
        images: number of images.
        questions: number of questions.
        record_bytes: average size of a record.
        whole: whether every shard is read from its first to its last record.
    """

    parts: list[ShardPart]
    images: int
    questions: int
    record_bytes: int
    whole: bool

    def images_per_batch(self, batch_size: int) -> int:
        """Returns the number of images with about `batch_size` questions."""
        return max(1, round(batch_size * self.images / self.questions))

    def steps(
        self, batch_size: int, drop_remainder: bool, share_images: bool = False
    ) -> int:
        """Returns the number of batches of `batch_size` questions.

        With `share_images` they are batches of `images_per_batch`.
        """
        if batch_size < 1:
            raise UserError(
                "`batch_size` must be at least 1. Received: "
                f"batch_size={batch_size}"
            )
        if drop_remainder and self.questions < batch_size and not share_images:
            raise UserError(
                "With `drop_remainder` there must be a full batch. Received: "
                f"{self.questions} questions for batch_size={batch_size}"
            )
        total, size = self.questions, batch_size
        if share_images:
            total, size = self.images, self.images_per_batch(batch_size)
        full, rest = divmod(total, size)
        return full + (rest > 0 and not drop_remainder)


def plan_epoch(
    files: RecordFiles,
    split: str,
    shard: tuple[int, int],
    in_vocabulary_only: bool,
    limit: int | None,
) -> EpochPlan:
    """Returns the `EpochPlan` of a worker's images of a split.

    The counts come from `dataset_info.json`. Shards of which the worker reads a
    part are scanned for theirs, once per process.

    Args:
        files: `RecordFiles` of the records.
        split: name of the split.
        shard: `(index, count)` of the worker.
        in_vocabulary_only: whether to leave out questions with an unknown
            answer.
        limit: number of images, the first ones of the split, or None for all.

    Raises:
        UserError: if there is nothing to read.
    """
    worker, workers = shard
    if not 0 <= worker < workers:
        raise UserError(
            "`shard` must be (index, count) with 0 <= index < count. "
            f"Received: shard={shard}"
        )
    if limit is not None and limit < 1:
        raise UserError(f"`limit` must be at least 1. Received: limit={limit}")
    found = files.split(split)
    left = found.images if limit is None else min(limit, found.images)
    parts = []
    images = questions = start = 0
    whole = workers == 1
    for of_split in found.shards:
        take = min(left - start, of_split.images)
        if take <= 0:
            continue
        path = str(files.path(of_split.name))
        first = (worker - start) % workers
        whole = whole and take == of_split.images
        if workers == 1 and take == of_split.images:
            counts = [(of_split.questions, of_split.in_vocabulary)]
            images += take
        else:
            with files.naming_damage():
                counts = _count(path, of_split.sha256)[first:take:workers]
            images += len(counts)
        if counts:
            parts.append(ShardPart(path, take, first))
        questions += sum(pair[in_vocabulary_only] for pair in counts)
        start += take
    if not questions:
        kind = (
            "questions with an answer in the vocabulary"
            if in_vocabulary_only
            else "questions"
        )
        raise UserError(
            f"{files.folder}: the split {split} must have {kind}. Received: "
            f"0 in {images} images for worker {worker} of {workers}"
        )
    size = found.bytes // found.images
    return EpochPlan(parts, images, questions, size, whole)


@functools.cache
def _count(path: str, sha256: str) -> list[tuple[int, int]]:
    """Counts the questions of every image of a shard, by its content."""
    dataset = tf.data.TFRecordDataset(path)
    records = cast(Iterator[bytes], dataset.as_numpy_iterator())
    return [count_questions(record) for record in records]
