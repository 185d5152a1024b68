"""Turns the images of a shard's plan into records."""

import dataclasses
import math
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vqa_keras.data.image_record import ImageRecord
from vqa_keras.data.records import EncodedRecord
from vqa_keras.data.records import encode
from vqa_keras.datasets.question import Dropped
from vqa_keras.datasets.question import ImageQuestions
from vqa_keras.datasets.readers import READERS
from vqa_keras.errors import UserError
from vqa_keras.images import UnreadableImage
from vqa_keras.writing.feature_extractor import FeatureExtractor
from vqa_keras.writing.image_reader import ImageReader
from vqa_keras.writing.image_reader import ReadImage
from vqa_keras.writing.record_text import RecordText
from vqa_keras.writing.region_features import RegionFeatures
from vqa_keras.writing.region_index import RegionIndex
from vqa_keras.writing.region_rows import UnreadableFeatures

REGIONS = "regions"  # the level of precomputed region features


@dataclasses.dataclass(frozen=True)
class RecordOptions:
    """What records are made of; it travels to workers as it is.

    Args:
        dataset: name of the reader, whose drawings are drawn.
        folder: the folder that the images' paths are below, or None.
        batch_size: images in a call of the CNN.
        store_images: whether the records hold the images.
        image_encoder: `.keras` file, or None to run no CNN.
        levels: names, one for each output of the CNN.
        region_index: index of precomputed region features, or None.
        feature_dtype: "float16" or "bfloat16".
    """

    dataset: str
    folder: str | None
    batch_size: int = 32
    store_images: bool = True
    image_encoder: str | None = None
    levels: list[str] = dataclasses.field(default_factory=list)
    region_index: RegionIndex | None = None
    feature_dtype: str = "float16"


class MadeRecord(NamedTuple):
    """A record, and how many of its image's questions were cut."""

    record: EncodedRecord
    cut_questions: int


@dataclasses.dataclass(frozen=True)
class _Content:
    """What a record holds of an image; pixels are for the CNN only."""

    image: ImageQuestions
    stored: bytes | None
    pixels: np.ndarray | None
    size: tuple[int, int]
    features: dict[str, np.ndarray]
    boxes: np.ndarray | None


class RecordMaker:
    """Makes the records of one shard after another.

    Args:
        options: `RecordOptions`.
    """

    def __init__(self, options: RecordOptions):
        self.options = options
        self.extract = self.region_features = self.images = None
        if options.image_encoder:
            self.extract = FeatureExtractor(
                options.image_encoder, options.levels, options.batch_size
            )
        if options.region_index:
            self.region_features = RegionFeatures(options.region_index)
        if self.extract or options.store_images:
            self.images = ImageReader(
                options.folder,
                getattr(READERS[options.dataset], "draw", None),
                options.store_images,
                self.extract and self.extract.image_size,
            )

    def records(
        self, split: str, plan: list[ImageQuestions], text: RecordText
    ) -> Iterator[MadeRecord | Dropped]:
        """Makes the records of a plan; memory holds two batches of images.

        Args:
            split: what dropped images name as their split.
            plan: list of `ImageQuestions`.
            text: `RecordText`.

        Yields:
            For each image a `MadeRecord`, or the `Dropped` of one that cannot
            be used. In a batch, dropped images come first.
        """
        size = self.options.batch_size
        batches = [plan[i : i + size] for i in range(0, len(plan), size)]
        for batch, found in zip(batches, self._read(batches), strict=True):
            kept = []
            for image, read in zip(batch, found, strict=True):
                try:
                    kept.append(self._content(image, read))
                except (UnreadableImage, UnreadableFeatures) as error:
                    yield _dropped(split, image, error.reason)
            for content in self._with_grids(kept):
                yield self._record(content, text)

    def _read(
        self, batches: list[list[ImageQuestions]]
    ) -> Iterable[Sequence[ReadImage | UnreadableImage | None]]:
        if self.images is not None:
            return self.images.read_batches(batches)
        return ([None] * len(batch) for batch in batches)

    def _content(
        self, image: ImageQuestions, read: ReadImage | UnreadableImage | None
    ) -> _Content:
        if isinstance(read, UnreadableImage):
            raise read
        stored, pixels, size = read or (None, None, None)
        if self.region_features is None:
            return _Content(image, stored, pixels, size or (0, 0), {}, None)
        regions = self.region_features.read(image)
        size = size or regions.image_size or _size_of_boxes(regions.boxes)
        features = {REGIONS: regions.features}
        return _Content(image, stored, pixels, size, features, regions.boxes)

    def _with_grids(self, kept: list[_Content]) -> list[_Content]:
        if self.extract is None or not kept:
            return kept
        pixels = [c.pixels for c in kept if c.pixels is not None]
        return [
            dataclasses.replace(content, features=grid)
            for content, grid in zip(kept, self.extract(pixels), strict=True)
        ]

    def _record(self, content: _Content, text: RecordText) -> MadeRecord:
        questions, cut = text.encode(content.image.questions)
        image_id = content.image.image_id
        try:
            record = encode(
                ImageRecord(
                    image_id=image_id,
                    image=content.stored,
                    image_size=content.size,
                    features=content.features,
                    boxes=content.boxes,
                    questions=questions,
                ),
                self.options.feature_dtype,
            )
        except ValueError as error:
            raise UserError(
                f"The record of the image {image_id} cannot be written. {error}"
            ) from error
        return MadeRecord(record, cut)


def _size_of_boxes(boxes: np.ndarray) -> tuple[int, int]:
    """The smallest image that the boxes fit into; (0, 0) without boxes."""
    if not len(boxes):
        return 0, 0
    right, bottom = boxes[:, 2:].max(axis=0)
    return math.ceil(bottom), math.ceil(right)


def _dropped(split: str, image: ImageQuestions, reason: str) -> Dropped:
    return Dropped(
        split,
        "image",
        image.image_id,
        reason,
        file=image.path,
        questions=len(image.questions),
        question_ids=[question.question_id for question in image.questions],
    )
