"""Encodes the images of a shard's plan as records."""

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
from vqa_keras.images import MAX_PIXELS
from vqa_keras.images import UnreadableImage
from vqa_keras.writing.feature_extractor import FeatureExtractor
from vqa_keras.writing.image_reader import ImageReader
from vqa_keras.writing.image_reader import ReadImage
from vqa_keras.writing.record_text import RecordText
from vqa_keras.writing.region_features import RegionFeatures
from vqa_keras.writing.region_index import RegionIndex
from vqa_keras.writing.regions import UnreadableFeatures

REGIONS = "regions"  # the level of precomputed region features


@dataclasses.dataclass(frozen=True)
class RecordOptions:
    """Options of a `RecordMaker`, pickled to workers.

    Args:
        dataset: str, name of the reader, whose `draw` draws images without a
            file.
        folder: str, folder that the images' paths are below, or None.
        batch_size: int, images per batch of the CNN. Defaults to 32.
        store_images: bool, whether the records store the images. Defaults to
            True.
        image_encoder: str, `.keras` file of the CNN. Defaults to None: no CNN.
        levels: list of str, one per output of the CNN. Defaults to an empty
            list.
        region_index: `RegionIndex` of precomputed features, or None (default).
        feature_dtype: "float16" (default) or "bfloat16".
        max_pixels: int, images of more are dropped. Defaults to 50 million.
    """

    dataset: str
    folder: str | None
    batch_size: int = 32
    store_images: bool = True
    image_encoder: str | None = None
    levels: list[str] = dataclasses.field(default_factory=list)
    region_index: RegionIndex | None = None
    feature_dtype: str = "float16"
    max_pixels: int = MAX_PIXELS


class MadeRecord(NamedTuple):
    """A record, the number of its questions that were cut, and their answers.

    `answers` are (question, answer), the answer "" if there is none.
    """

    record: EncodedRecord
    cut_questions: int
    answers: list[tuple[str, str]]


@dataclasses.dataclass(frozen=True)
class _Loaded:
    """An image and its features; the record omits `pixels`, the CNN's input."""

    image: ImageQuestions
    stored: bytes | None
    pixels: np.ndarray | None
    size: tuple[int, int]
    features: dict[str, np.ndarray]
    boxes: np.ndarray | None


class RecordMaker:
    """Makes the records of any number of shards.

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
                max_pixels=options.max_pixels,
            )

    def records(
        self, split: str, plan: list[ImageQuestions], text: RecordText
    ) -> Iterator[MadeRecord | Dropped]:
        """Yields the records of a plan; memory holds two batches of images.

        Args:
            split: str, the split of the plan.
            plan: list of `ImageQuestions`.
            text: `RecordText`.

        Yields:
            A `MadeRecord` per image, or a `Dropped` if the image cannot be
            used. Dropped images are the first of their batch.

        Raises:
            UserError: if a record cannot be encoded.
        """
        size = self.options.batch_size
        batches = [plan[i : i + size] for i in range(0, len(plan), size)]
        for batch, results in zip(batches, self._read(batches), strict=True):
            kept = []
            for image, read in zip(batch, results, strict=True):
                try:
                    kept.append(self._load(image, read))
                except (UnreadableImage, UnreadableFeatures) as error:
                    yield _dropped(split, image, error)
            for loaded in self._with_grids(kept):
                yield self._record(loaded, text)

    def _read(
        self, batches: list[list[ImageQuestions]]
    ) -> Iterable[Sequence[ReadImage | UnreadableImage | None]]:
        if self.images is not None:
            return self.images.read_batches(batches)
        return ([None] * len(batch) for batch in batches)

    def _load(
        self, image: ImageQuestions, read: ReadImage | UnreadableImage | None
    ) -> _Loaded:
        if isinstance(read, UnreadableImage):
            raise read
        stored, pixels, size = read or (None, None, None)
        if self.region_features is None:
            return _Loaded(image, stored, pixels, size or (0, 0), {}, None)
        regions = self.region_features.read(image)
        size = size or regions.image_size or _size_of_boxes(regions.boxes)
        features = {REGIONS: regions.features}
        return _Loaded(image, stored, pixels, size, features, regions.boxes)

    def _with_grids(self, kept: list[_Loaded]) -> list[_Loaded]:
        if self.extract is None or not kept:
            return kept
        pixels = [one.pixels for one in kept if one.pixels is not None]
        return [
            dataclasses.replace(loaded, features=grid)
            for loaded, grid in zip(kept, self.extract(pixels), strict=True)
        ]

    def _record(self, loaded: _Loaded, text: RecordText) -> MadeRecord:
        questions, cut = text.encode(loaded.image.questions)
        image_id = loaded.image.image_id
        try:
            record = encode(
                ImageRecord(
                    image_id=image_id,
                    image=loaded.stored,
                    image_size=loaded.size,
                    features=loaded.features,
                    boxes=loaded.boxes,
                    questions=questions,
                ),
                self.options.feature_dtype,
            )
        except ValueError as error:
            raise UserError(
                f"The record of image {image_id} cannot be written. {error}"
            ) from error
        answers = [(q.question, q.answer) for q in questions]
        return MadeRecord(record, cut, answers)


def _size_of_boxes(boxes: np.ndarray) -> tuple[int, int]:
    """Returns `(height, width)` that hold all boxes; (0, 0) without boxes."""
    if not len(boxes):
        return 0, 0
    right, bottom = boxes[:, 2:].max(axis=0)
    return math.ceil(bottom), math.ceil(right)


def _dropped(
    split: str,
    image: ImageQuestions,
    error: UnreadableImage | UnreadableFeatures,
) -> Dropped:
    return Dropped(
        split,
        "image",
        image.image_id,
        error.reason,
        file=image.path,
        questions=len(image.questions),
        question_ids=[question.question_id for question in image.questions],
        detail=getattr(error, "detail", None),
    )
