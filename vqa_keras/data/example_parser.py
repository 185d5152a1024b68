"""Parses records into questions and batches of them, in a graph."""

import math
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from vqa_keras.data.feature_shapes import INPUTS
from vqa_keras.data.feature_shapes import check_choice
from vqa_keras.data.feature_shapes import choose_level
from vqa_keras.data.feature_shapes import choose_size
from vqa_keras.data.feature_shapes import grids
from vqa_keras.data.features import regions_of
from vqa_keras.data.record_files import RecordFiles
from vqa_keras.image_encoders.resize import resize

_VARYING_REGIONS = 100  # estimate where the number of regions varies

_RaggedTensor: Any = tf.RaggedTensor  # Its stubs lack the constructors.
_Tensors = dict[str, tf.Tensor]


class ExampleParser:
    """Parses blocks of records, and makes the batches of `load`.

    Args:
        files: `RecordFiles` of the records.
        inputs: "regions", "grids" or "images".
        level: name of the CNN layer, or None for the last.
        image_size: `(height, width)` of images, or None for the CNN's.
        targets: "answer", "scores" or None.
        in_vocabulary_only: whether to drop questions with an unknown answer.

    Attributes:
        image_bytes: memory that the image of one question takes.
        pads: whether questions differ in shape, so that a batch needs zeros.

    Raises:
        UserError: if the records lack these inputs.
    """

    def __init__(
        self,
        files: RecordFiles,
        inputs: str,
        level: str | None,
        image_size: tuple[int, int] | None,
        targets: str | None,
        in_vocabulary_only: bool,
    ):
        check_choice("inputs", inputs, INPUTS)
        check_choice("targets", targets, ("answer", "scores", None))
        self.targets = targets
        self.in_vocabulary_only = in_vocabulary_only
        self.sequence_length = files.info.sequence_length
        self.num_answers = len(files.answers()) if targets else 0
        self.pads = targets == "scores"
        self.features = {
            "token_ids": tf.io.FixedLenFeature([], tf.string),
            # Sparse: its indices are the rows of the questions' images.
            "answer_ids": tf.io.VarLenFeature(tf.int64),
        }
        if targets == "scores":
            self.features["score_ids"] = tf.io.RaggedFeature(tf.int64)
            self.features["score_values"] = tf.io.RaggedFeature(tf.float32)
            self.features["score_lengths"] = tf.io.RaggedFeature(tf.int64)
        self.inputs = inputs
        if inputs != "images":
            self.dtype = tf.as_dtype(files.features().dtype)
        if inputs == "regions":
            self.level = choose_level(files, level)
            shape = files.features().levels[self.level]
            self.num_regions, self.channels = regions_of(shape)
            count = self.num_regions or _VARYING_REGIONS
            self.image_bytes = 2 * count * self.channels
            self.pads = self.pads or self.num_regions is None
            names = [f"features/{self.level}"]
        elif inputs == "grids":
            self.grids = grids(files)
            sizes = [math.prod(shape) for shape in self.grids.values()]
            self.image_bytes = 2 * sum(sizes)
            names = [f"features/{level}" for level in self.grids]
        else:
            self.image_size = choose_size(files, image_size)
            self.image_bytes = 3 * math.prod(self.image_size)
            names = ["image"]
        for name in names:
            self.features[name] = tf.io.FixedLenFeature([], tf.string)

    def parse(self, records: tf.Tensor) -> _Tensors:
        """Parses W records into tensors with a row per question.

        Many records are parsed in one call, since a call takes longer than its
        bytes.

        Args:
            records: (W,) strings.

        Returns:
            A dict of tensors, by the names that `finish` takes.
        """
        images, questions = self._parse(records)
        if self.in_vocabulary_only:
            questions = _keep(questions, questions["answer_id"] >= 0)
        rows = questions.pop("image_index")
        for name, values in images.items():
            questions[name] = tf.gather(values, rows)
        return questions

    def parse_shared(self, records: tf.Tensor) -> tuple | dict:
        """Parses W records into one batch of all their questions.

        Args:
            records: (W,) strings.

        Returns:
            `(inputs, targets)` of `load`. A batch keeps a question even if no
            answer is in the vocabulary: the mean loss of no question is NaN.
        """
        images, questions = self._parse(records)
        if self.in_vocabulary_only:
            known = questions["answer_id"] >= 0
            first = tf.range(tf.size(known)) == 0
            known = tf.where(tf.reduce_any(known), known, first)
            questions = _keep(questions, known)
        return self.finish(questions | images)

    def _parse(self, records: tf.Tensor) -> tuple[_Tensors, _Tensors]:
        """Returns tensors with a row per image, and with a row per question.

        Of the latter, `image_index` is the row of the question's image.
        """
        example: Any = tf.io.parse_example(records, self.features)
        answer_ids = example["answer_ids"]
        questions = {
            "image_index": tf.cast(answer_ids.indices[:, 0], tf.int32),
            "answer_id": tf.cast(answer_ids.values, tf.int32),
            "token_ids": tf.reshape(
                _decode_all(example["token_ids"], tf.int32),
                (-1, self.sequence_length),
            ),
        }
        if self.targets == "scores":
            lengths = example["score_lengths"].values
            # Id 0 is free for padding: `finish` drops its column.
            for name, shift in (("score_ids", 1), ("score_values", 0)):
                questions[name] = _RaggedTensor.from_row_lengths(
                    example[name].values + shift, lengths
                ).to_tensor()
        return self._images(example), questions

    def finish(self, questions: _Tensors) -> tuple | dict:
        """Returns `(inputs, targets)` of `load` for a batch of questions."""
        shared = [name for name in ("image_index",) if name in questions]
        inputs = {name: questions[name] for name in ["token_ids", *shared]}
        if self.inputs == "regions":
            inputs |= self._regions(questions)
        else:
            names = [n for n in questions if n.startswith(("grid_", "images"))]
            inputs |= {name: questions[name] for name in names}
        if self.targets is None:
            return inputs
        if self.targets == "answer":
            return inputs, tf.one_hot(questions["answer_id"], self.num_answers)
        ids = questions["score_ids"]
        batch = tf.shape(ids, tf.int64)[0]
        rows = tf.broadcast_to(tf.range(batch)[:, None], tf.shape(ids))
        scores = tf.scatter_nd(
            tf.stack([rows, ids], axis=-1),
            questions["score_values"],
            (batch, self.num_answers + 1),
        )
        return inputs, scores[:, 1:]

    def _images(self, example: Mapping[str, Any]) -> _Tensors:
        """Returns tensors with a row per image."""
        if self.inputs == "grids":
            return {
                f"grid_{i}": tf.reshape(
                    tf.io.decode_raw(example[f"features/{level}"], self.dtype),
                    (-1, *shape),
                )
                for i, (level, shape) in enumerate(self.grids.items(), 1)
            }
        if self.inputs == "images":
            return {
                "images": tf.map_fn(
                    self._pixels, example["image"], fn_output_signature=tf.uint8
                )
            }
        raw = example[f"features/{self.level}"]
        if self.num_regions is not None:
            regions = tf.io.decode_raw(raw, self.dtype)
            shape = (-1, self.num_regions, self.channels)
            return {"regions": tf.reshape(regions, shape)}
        regions = _decode_all(raw, self.dtype)
        regions = tf.reshape(regions, (-1, self.channels))
        lengths = tf.strings.length(raw) // (2 * self.channels)
        regions = _RaggedTensor.from_row_lengths(regions, lengths)
        return {"regions": regions.to_tensor(), "num_regions": lengths}

    def _pixels(self, data: tf.Tensor) -> tf.Tensor:
        image = tf.io.decode_image(data, channels=3, expand_animations=False)
        image = tf.cond(
            tf.reduce_all(tf.shape(image)[:2] == self.image_size),
            lambda: image,
            lambda: resize(image, self.image_size),
        )
        return tf.ensure_shape(image, (*self.image_size, 3))

    def _regions(self, questions: _Tensors) -> _Tensors:
        regions = questions["regions"]
        if "num_regions" not in questions:
            mask = tf.ones(tf.shape(regions)[:2], tf.int32)
            mask.set_shape(regions.shape[:2])
            return {"regions": regions, "regions_mask": mask}
        lengths = questions["num_regions"]
        mask = tf.sequence_mask(lengths, dtype=tf.int32)
        regions = regions[:, : tf.reduce_max(lengths)]
        return {"regions": regions, "regions_mask": mask}


def _keep(questions: _Tensors, known: tf.Tensor) -> _Tensors:
    return {
        name: tf.boolean_mask(rows, known) for name, rows in questions.items()
    }


def _decode_all(raw: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    return tf.io.decode_raw(tf.strings.reduce_join(raw), dtype)
