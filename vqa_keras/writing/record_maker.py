"""Turns the images of a shard's plan into records."""

import math

from vqa_keras.data.records import encode
from vqa_keras.datasets.readers import READERS
from vqa_keras.errors import UserError
from vqa_keras.images import UnreadableImage
from vqa_keras.writing.feature_extractor import FeatureExtractor
from vqa_keras.writing.image_reader import PictureReader
from vqa_keras.writing.region_features import RegionFeatures
from vqa_keras.writing.region_rows import UnreadableFeatures

REGIONS = "regions"  # the level of precomputed region features


class RecordMaker:
    """Makes the records of one shard after another.

    Args:
        contents: dict, what records are made of; it travels to workers as it
            is:
            dataset: name of the reader, whose drawings are drawn.
            folder: str, the folder that the images' paths are below.
            image_encoder: str, `.keras` file, or None to run no CNN.
            levels: list of names, one for each output of the CNN.
            region_features: None, or dict of paths and index, the arguments of
                `RegionFeatures`.
            feature_dtype: "float16" or "bfloat16".
            batch_size: int, images in a call of the CNN.
            store_images: bool, whether the records hold the pictures.
    """

    def __init__(self, contents):
        self.batch_size = contents["batch_size"]
        self.feature_dtype = contents["feature_dtype"]
        self.store_images = contents["store_images"]
        self.extract = self.region_features = self.pictures = None
        if contents["image_encoder"]:
            self.extract = FeatureExtractor(
                contents["image_encoder"], contents["levels"], self.batch_size
            )
        if contents["region_features"]:
            self.region_features = RegionFeatures(**contents["region_features"])
        if self.extract or self.store_images:
            self.pictures = PictureReader(
                contents["folder"],
                getattr(READERS[contents["dataset"]], "draw", None),
                self.store_images,
                self.extract and self.extract.image_size,
            )

    def records(self, plan, text, report):
        """Yields the records of a plan; memory holds two batches of images.

        Args:
            plan: list of images, as `QuestionTable.images` gives them.
            text: `RecordText`.
            report: dict that is renewed after every batch: done, the number of
                images that are records or dropped; dropped, a list of items;
                cut_questions, a number.

        Yields:
            bytes.
        """
        report.update(done=0, dropped=[], cut_questions=0)
        batches = [
            plan[first : first + self.batch_size]
            for first in range(0, len(plan), self.batch_size)
        ]
        pictures_of_batches = self._pictures(batches)
        for batch, pictures in zip(batches, pictures_of_batches, strict=True):
            kept = []
            for image, picture in zip(batch, pictures, strict=True):
                try:
                    kept.append((image, *self._with_regions(image, picture)))
                except (UnreadableImage, UnreadableFeatures) as error:
                    report["dropped"].append(_dropped(image, error.reason))
            for image, *content in self._with_grids(kept):
                questions, cut = text.encode(image["questions"])
                report["cut_questions"] += cut
                yield self._encode(image, questions, *content)
            report["done"] += len(batch)

    def _pictures(self, batches):
        if self.pictures is not None:
            return self.pictures.read_batches(batches)
        return ([(None, None, None)] * len(batch) for batch in batches)

    def _with_regions(self, image, picture):
        """Returns data, pixels, size, features and boxes of an image."""
        if isinstance(picture, UnreadableImage):
            raise picture
        data, pixels, size = picture
        if self.region_features is None:
            return data, pixels, size, {}, None
        regions, boxes, size_of_features = self.region_features.read(image)
        size = size or size_of_features or _size_of_boxes(boxes)
        return data, pixels, size, {REGIONS: regions}, boxes

    def _with_grids(self, kept):
        if self.extract is None or not kept:
            return kept
        grids = self.extract([pixels for _, _, pixels, *_ in kept])
        return [
            (image, data, pixels, size, grid, boxes)
            for (image, data, pixels, size, _, boxes), grid in zip(
                kept, grids, strict=True
            )
        ]

    def _encode(self, image, questions, data, pixels, size, features, boxes):
        del pixels
        try:
            return encode(
                {
                    "image_id": image["image_id"],
                    "image": data,
                    "image_size": size,
                    "features": features,
                    "boxes": boxes,
                    "questions": questions,
                },
                self.feature_dtype,
            )
        except ValueError as error:
            raise UserError(
                f"The record of the image {image['image_id']} cannot be "
                f"written. {error}"
            ) from error


def _size_of_boxes(boxes):
    """The smallest picture that the boxes fit into; (0, 0) without boxes."""
    if not len(boxes):
        return 0, 0
    right, bottom = boxes[:, 2:].max(axis=0)
    return math.ceil(bottom), math.ceil(right)


def _dropped(image, reason):
    return {
        "item": "image",
        "id": image["image_id"],
        "file": image["path"],
        "reason": reason,
        "questions": len(image["questions"]),
        "question_ids": [q["question_id"] for q in image["questions"]],
    }
