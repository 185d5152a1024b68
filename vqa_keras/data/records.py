"""Encodes and decodes records, one per image with all its questions.

Schema versions 2 and 3. A record is a `tf.train.Example`; Q questions, L a
level:

    image_id              bytes, one
    image                 bytes, one: a PNG or JPEG file; optional
    image_size            int64, [height, width] of the image
    features/L            bytes, one: raw little-endian float16 or bfloat16
    features/L/shape      int64, [h, w, C] or [M, C]
    features/L/dtype      bytes, one: "float16" or "bfloat16"
    boxes                 bytes, one: raw little-endian float32 (M, 4); optional
    question_ids, questions, question_types, answer_types, answers,
    complementary_ids     bytes, Q; text is UTF-8
    token_ids             bytes, one: raw little-endian int32, (Q, N), 0 is
                          padding
    answer_ids            int64, Q; -1 outside the answer vocabulary
    all_answers           bytes, flat; all_answers_lengths int64, Q
    score_ids             int64, flat; score_values float32, flat;
    score_lengths         int64, Q
    object_boxes          bytes, one: raw little-endian float32 (boxes, 4);
    object_boxes_lengths  int64, Q; both absent if no question has a box

Raw bytes are written many times faster than lists of floats, and a record per
image is smaller and faster to read than one per question: `benchmarks/`. Token
ids are padded so that one operation decodes a block of records.
"""

import dataclasses
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple
from typing import TypeVar

import ml_dtypes
import numpy as np
import tensorflow as tf

from vqa_keras.data.image_record import ImageRecord
from vqa_keras.data.image_record import QuestionRecord

FEATURE_DTYPES = {
    "float16": np.dtype("<f2"),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
}
# The largest finite number of each.
_LARGEST = {"float16": 65504.0, "bfloat16": 3.38953139e38}
_TEXTS = (
    "question_id",
    "question",
    "question_type",
    "answer_type",
    "answer",
    "complementary_id",
)
_LISTS = {name: f"{name}s" for name in _TEXTS}
_FIELDS = dataclasses.fields(QuestionRecord)
_Feature = Any  # tf.train.Feature, which protobuf makes at run time
_T = TypeVar("_T")


class EncodedRecord(NamedTuple):
    """The bytes of one record and the numbers that `count_questions` returns.

    Args:
        data: the bytes.
        questions: number of questions.
        in_vocabulary: number of them whose answer is in the vocabulary.
    """

    data: bytes
    questions: int
    in_vocabulary: int


def encode(image: ImageRecord, feature_dtype: str = "float16") -> EncodedRecord:
    """Writes an image and its questions as the bytes of one record.

    Equal images give equal bytes.

    Args:
        image: `ImageRecord`.
        feature_dtype: "float16" or "bfloat16", how features are stored.

    Returns:
        `EncodedRecord`, whose data `decode` reads.

    Raises:
        ValueError: if an array has the wrong rank or a feature is no finite
            number of `feature_dtype`.
    """
    questions = image.questions
    all_answers = [q.all_answers for q in questions]
    scores = [sorted(q.scores.items()) for q in questions]
    boxes = [q.object_boxes for q in questions]
    feature = {
        "image_id": _bytes([image.image_id.encode()]),
        "image_size": _ints(image.image_size),
        "token_ids": _token_ids(questions),
        "answer_ids": _ints(q.answer_id for q in questions),
        "all_answers": _texts(_flat(all_answers)),
        "all_answers_lengths": _lengths(all_answers),
        "score_ids": _ints(answer for answer, _ in _flat(scores)),
        "score_values": _floats(score for _, score in _flat(scores)),
        "score_lengths": _lengths(scores),
    }
    for name, key in _LISTS.items():
        feature[key] = _texts(getattr(q, name) for q in questions)
    for level, array in image.features.items():
        key = f"features/{level}"
        feature[key] = _features(level, array, feature_dtype)
        feature[f"{key}/shape"] = _ints(np.shape(array))
        feature[f"{key}/dtype"] = _bytes([feature_dtype.encode()])
    if image.image is not None:
        feature["image"] = _bytes([image.image])
    if image.boxes is not None:
        feature["boxes"] = _boxes("boxes", image.boxes)
    if any(boxes):
        feature["object_boxes"] = _boxes("object_boxes", _flat(boxes))
        feature["object_boxes_lengths"] = _lengths(boxes)
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    return EncodedRecord(
        example.SerializeToString(deterministic=True),
        len(questions),
        sum(question.answer_id >= 0 for question in questions),
    )


def decode(record: bytes) -> ImageRecord:
    """Reads the bytes of one record.

    Args:
        record: bytes, the data of an `EncodedRecord`.

    Returns:
        `ImageRecord`, whose features are arrays of the dtype that they are
        stored in.
    """
    feature = tf.train.Example.FromString(record).features.feature
    features = {}
    for key in sorted(feature):
        if key.startswith("features/") and key.count("/") == 1:
            dtype = feature[f"{key}/dtype"].bytes_list.value[0].decode()
            raw = feature[key].bytes_list.value[0]
            values = np.frombuffer(raw, FEATURE_DTYPES[dtype])
            shape = feature[f"{key}/shape"].int64_list.value
            features[key.removeprefix("features/")] = values.reshape(shape)
    image = boxes = None
    if "image" in feature:
        image = feature["image"].bytes_list.value[0]
    if "boxes" in feature:
        boxes = _read_boxes(feature["boxes"])
    height, width = feature["image_size"].int64_list.value
    return ImageRecord(
        image_id=feature["image_id"].bytes_list.value[0].decode(),
        image=image,
        image_size=(height, width),
        features=features,
        boxes=boxes,
        questions=_read_questions(feature),
    )


def _read_questions(feature: Any) -> list[QuestionRecord]:
    texts = {
        name: [text.decode() for text in feature[key].bytes_list.value]
        for name, key in _LISTS.items()
    }
    answer_ids = feature["answer_ids"].int64_list.value
    tokens = np.frombuffer(feature["token_ids"].bytes_list.value[0], "<i4")
    tokens = tokens.reshape(len(answer_ids), -1) if answer_ids else tokens
    answers = [t.decode() for t in feature["all_answers"].bytes_list.value]
    scores = zip(
        feature["score_ids"].int64_list.value,
        feature["score_values"].float_list.value,
        strict=True,
    )
    boxes: Sequence[Sequence[Any]] = [[]] * len(answer_ids)
    if "object_boxes" in feature:
        boxes = _split(
            feature["object_boxes_lengths"],
            _read_boxes(feature["object_boxes"]).tolist(),
        )
    columns = {
        **texts,
        "answer_id": answer_ids,
        "all_answers": _split(feature["all_answers_lengths"], answers),
        "token_ids": tokens.tolist(),
        "scores": map(dict, _split(feature["score_lengths"], list(scores))),
        "object_boxes": boxes,
    }
    fields = (columns[field.name] for field in _FIELDS)
    rows = zip(*fields, strict=True)
    # By position: by name, reading questions takes 1.25 times as long.
    return [QuestionRecord(*row) for row in rows]


def count_questions(record: bytes) -> tuple[int, int]:
    """Returns the numbers of questions and of those in vocabulary.

    A question is in vocabulary if its answer is in the vocabulary.
    """
    feature = tf.train.Example.FromString(record).features.feature
    answer_ids = feature["answer_ids"].int64_list.value
    return len(answer_ids), sum(answer >= 0 for answer in answer_ids)


def _bytes(values: Iterable[bytes]) -> _Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def _texts(values: Iterable[str]) -> _Feature:
    return _bytes(text.encode() for text in values)


def _ints(values: Iterable[int]) -> _Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def _floats(values: Iterable[float]) -> _Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def _lengths(values: Iterable[Sequence[Any]]) -> _Feature:
    return _ints(len(items) for items in values)


def _array(values: Any, dtype: Any) -> _Feature:
    return _bytes([np.asarray(values, dtype).tobytes()])


def _token_ids(questions: Sequence[QuestionRecord]) -> _Feature:
    lengths = {len(q.token_ids) for q in questions}
    if len(lengths) > 1:
        raise ValueError(
            "`token_ids` must be padded to one length. Received lengths: "
            f"{sorted(lengths)}"
        )
    return _array([q.token_ids for q in questions], "<i4")


def _features(level: str, values: Any, dtype: str) -> _Feature:
    values = np.asarray(values)
    if values.ndim not in (2, 3):
        raise ValueError(
            "features must have shape (h, w, C) or (regions, C). Received: "
            f"features[{level!r}].shape={values.shape}"
        )
    if "/" in level:
        raise ValueError(
            f"the name of a level must be without '/'. Received: {level!r}"
        )
    largest = np.abs(values).max(initial=0)
    if not largest <= _LARGEST[dtype]:  # also true for NaN
        raise ValueError(
            f"features must be finite and at most {_LARGEST[dtype]:g}, to be "
            f"stored as {dtype}. Received: features[{level!r}] with largest "
            f"magnitude {largest}"
        )
    if dtype == "float16":  # NumPy takes 60 times as long for tiny numbers.
        with tf.device("CPU"):
            values = tf.cast(values, tf.float16).numpy()
    return _array(values, FEATURE_DTYPES[dtype])


def _boxes(name: str, boxes: Any) -> _Feature:
    if np.ndim(boxes) != 2 or np.shape(boxes)[1] != 4:
        raise ValueError(
            f"`{name}` must have shape (boxes, 4). Received: "
            f"{name}.shape={np.shape(boxes)}"
        )
    return _array(boxes, "<f4")


def _read_boxes(feature: _Feature) -> np.ndarray:
    return np.frombuffer(feature.bytes_list.value[0], "<f4").reshape(-1, 4)


def _flat(values: Iterable[Sequence[_T]]) -> list[_T]:
    return [item for items in values for item in items]


def _split(lengths: _Feature, values: Sequence[_T]) -> list[Sequence[_T]]:
    """Cuts values into consecutive parts of the lengths."""
    sizes = lengths.int64_list.value
    ends = np.cumsum(sizes, dtype=int)
    return [
        values[end - size : end] for end, size in zip(ends, sizes, strict=True)
    ]
