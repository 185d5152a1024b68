"""A folder of records, opened once and passed on."""

import functools
import os
import pathlib
from collections.abc import Iterator
from typing import Any
from typing import cast

import keras
import tensorflow as tf

from vqa_keras.data import feature_shapes
from vqa_keras.data.batches import read_batches
from vqa_keras.data.dataset_info import DatasetInfo
from vqa_keras.data.epoch_plan import plan_epoch
from vqa_keras.data.example_parser import ExampleParser
from vqa_keras.data.features import Shape
from vqa_keras.data.first_record import check_first_record
from vqa_keras.data.guarded_dataset import guard
from vqa_keras.data.image_record import ImageQuestion
from vqa_keras.data.image_record import ImageRecord
from vqa_keras.data.record_files import RecordFiles
from vqa_keras.data.record_vocabularies import RecordVocabularies
from vqa_keras.data.records import decode
from vqa_keras.text import QuestionTokenizer

SHUFFLE_BYTES = 256 * 2**20


class Records:
    """A folder of records: images, questions, batches, vocabularies, the CNN.

    Opening reads `dataset_info.json` and compares it with the sizes of the
    shards and the first record, a first reading of a split with all checksums.

    Args:
        folder: the folder that `pipelines.write_records` wrote.

    Attributes:
        files: `RecordFiles`, the files of the folder.

    Raises:
        UserError: if the folder is missing or unfinished, `dataset_info.json`
            cannot be read or contradicts the first record, or a shard is
            missing or truncated.

    Example:
    ```python
    records = vqa_keras.data.Records("records")
    task.fit(
        records.load("train", 256, shuffle=True),
        validation_data=records.load("validation", 256),
        epochs=10,
    )
    ```
    """

    def __init__(self, folder: str | os.PathLike[str]):
        self.files = RecordFiles.open(folder)
        check_first_record(self.files)

    @property
    def folder(self) -> pathlib.Path:
        """The folder."""
        return self.files.folder

    @property
    def info(self) -> DatasetInfo:
        """The contents of `dataset_info.json`."""
        return self.files.info

    @functools.cached_property
    def vocabulary(self) -> list[str]:
        """The words of questions by token id: "[PAD]", "[UNK]", words."""
        return self.files.question_words()

    def tokenizer(self) -> QuestionTokenizer:
        """Returns the tokenizer of the records' token ids."""
        return self.files.tokenizer()

    @functools.cached_property
    def answers(self) -> list[str]:
        """The answers by class, the most frequent one first."""
        return self.files.answers()

    @property
    def grid_shape(self) -> tuple[int, int] | None:
        """`(h, w)` of the grid whose cells are the regions, or None."""
        return feature_shapes.grid_shape(self.files)

    def feature_shapes(self, inputs: str) -> dict[str, Shape]:
        """Returns the shape of each image input of `load`, without the batch.

        Args:
            inputs: "regions", "grids" or "images".

        Returns:
            `{"regions": (M, C)}`, M None if images differ in it; `{"grid_1":
            (h, w, C), ...}`; or `{"images": (H, W, 3)}`.

        Raises:
            UserError: for other `inputs`, or if the records lack them.
        """
        return feature_shapes.feature_shapes(self.files, inputs)

    def load(
        self,
        split: str,
        batch_size: int,
        *,
        inputs: str = "regions",
        level: str | None = None,
        image_size: tuple[int, int] | None = None,
        targets: str | None = "answer",
        shuffle: bool = False,
        seed: int = 0,
        first_epoch: int | Iterator[int] = 0,
        shard: tuple[int, int] = (0, 1),
        drop_remainder: bool = False,
        in_vocabulary_only: bool = False,
        limit: int | None = None,
        share_images: bool = False,
        verify: bool = True,
        shuffle_bytes: int = SHUFFLE_BYTES,
    ) -> tf.data.Dataset:
        """Returns a `tf.data.Dataset` of the questions of a split.

        An element is a batch of B questions, `(inputs, targets)`, where
        `inputs` is a dict of

            regions       (B, M, C) float16: the features of the image, in
                          raster order, zero padded if images differ in M
            regions_mask  (B, M) int32: 1 at regions, 0 at padding
            token_ids     (B, N) int32: 0 at padding
            grid_1, ...   (B, h, w, C) float16, instead of regions and their
                          mask: the grids of all CNN layers, that with the most
                          cells first and layers of equal size by name
            images        (B, H, W, 3) uint8, instead of regions and their mask

        and `targets` is (B, A) float32, A the number of answers.

        With `share_images` the images of a batch are not repeated for each of
        their questions: regions, grids or images have a row per image, and the
        inputs also hold

            image_index   (B,) int32: the row of each question's image

        which every `VQA` accepts: it computes the image side once per image,
        and reading is several times faster. A batch holds all questions of its
        images, so B is about `batch_size`, and questions are shuffled by image
        only.

        With `shuffle` every pass over the dataset is the next epoch, in an
        order of its own: `fit(records.load("train", 256, shuffle=True),
        epochs=10)` trains on ten orders. The order depends on `seed` and the
        epoch only. A run that stopped after k epochs continues with
        `first_epoch=k` and `fit(..., initial_epoch=k)`.

        A pass begins when its first batch is read, so a peek such as
        `next(iter(dataset))` counts as one. Keras's `fit` peeks at one batch
        on JAX, if the model has not been fitted since `compile`, and under a
        `tf.distribute` strategy: its epochs are then `first_epoch + 1` and
        those after it, in the whole run as in a resumed one.

        An epoch reads the shards once. Shuffling goes over the order of the
        shards, over images in a buffer and over questions in a buffer.

        The dataset has an attribute `vocabularies`, by which a task refuses
        token ids of other words; `map`, `take` and the like do not keep it.

        Args:
            split: name of the split, such as "train".
            batch_size: int. Questions per batch; the last may have fewer.
            inputs: "regions" for stored features of one CNN layer, "grids" for
                those of all, "images" for pixels.
            level: name of the CNN layer of "regions". Defaults to the last.
            image_size: `(height, width)` of `images`. Defaults to the input
                size of the records' CNN.
            targets: "answer": one-hot of the answer; "scores": soft score of
                every answer; None: the elements are `inputs` alone. An answer
                outside the vocabulary gives a row of zeros.
            shuffle: whether to shuffle. Without, the order is that of
                `questions(split)` in every pass.
            seed: int. Seed of the orders.
            first_epoch: int. Epoch of the first pass. Or an iterator that
                gives the epoch of each pass.
            shard: `(index, count)`: gives worker `index` of `count` its images,
                the same in every epoch.
            drop_remainder: whether to drop the last batch if it is not full.
            in_vocabulary_only: whether to leave out questions whose answer is
                outside the vocabulary.
            limit: int. Number of images to use, the first ones of the split.
                Defaults to all.
            share_images: whether a batch holds each image once, not once per
                question.
            verify: whether to check the sha256 of new and changed shards.
            shuffle_bytes: int. Memory that the shuffle buffers may take.

        Returns:
            A `tf.data.Dataset` of known cardinality.

        Raises:
            UserError: if an argument is not one of the above, the records lack
                these inputs, or a file is missing, truncated or changed.
        """
        if verify:
            self.files.verify(split)
        parser = ExampleParser(
            self.files, inputs, level, image_size, targets, in_vocabulary_only
        )
        plan = plan_epoch(self.files, split, shard, in_vocabulary_only, limit)
        dataset = read_batches(
            plan,
            parser,
            batch_size,
            shuffle=shuffle,
            seed=seed,
            first_epoch=first_epoch,
            shard=shard,
            drop_remainder=drop_remainder,
            share_images=share_images,
            shuffle_bytes=shuffle_bytes,
            check=(lambda: self.files.verify(split)) if verify else None,
        )
        vocabularies = RecordVocabularies(self.files, targets is not None)
        cast(Any, dataset).vocabularies = vocabularies
        return guard(dataset, self.files)

    def steps(
        self,
        split: str,
        batch_size: int,
        *,
        shard: tuple[int, int] = (0, 1),
        drop_remainder: bool = False,
        in_vocabulary_only: bool = False,
        limit: int | None = None,
        share_images: bool = False,
    ) -> int:
        """Returns the number of batches that `load` gives per epoch.

        The arguments are those of `load`.
        """
        plan = plan_epoch(self.files, split, shard, in_vocabulary_only, limit)
        return plan.steps(batch_size, drop_remainder, share_images)

    def images(
        self, split: str, limit: int | None = None
    ) -> Iterator[ImageRecord]:
        """Yields the images of a split with their questions.

        Args:
            split: name of the split, such as "test".
            limit: int. Number of images, the first ones. Defaults to all.

        Yields:
            `vqa_keras.data.image_record.ImageRecord`, in the order of
            `load(shuffle=False)`.

        Raises:
            UserError: if the split is unknown or has no question, or a file is
                missing, truncated or changed.
        """
        self.files.verify(split)
        plan = plan_epoch(self.files, split, (0, 1), False, limit)
        for path, take, _ in plan.parts:
            dataset = tf.data.TFRecordDataset(path).take(take)
            records = cast(Iterator[bytes], dataset.as_numpy_iterator())
            with self.files.naming_damage():
                yield from map(decode, records)

    def questions(
        self, split: str, limit: int | None = None
    ) -> Iterator[ImageQuestion]:
        """Yields the questions of a split, each with its `image_id`.

        Args:
            split: name of the split, such as "test".
            limit: int. Number of images to take. Defaults to all.

        Yields:
            `vqa_keras.data.image_record.ImageQuestion`, in the order of
            `load(shuffle=False)`.

        Raises:
            UserError: as `images`.
        """
        for image in self.images(split, limit):
            for question in image.questions:
                yield ImageQuestion(**vars(question), image_id=image.image_id)

    def image_encoder(self) -> keras.Model:
        """Returns the CNN that computed the features, a `keras.Model`.

        Raises:
            UserError: if the records have no features, or the file is missing,
                unreadable or of other weights.
        """
        return self.files.image_encoder()
