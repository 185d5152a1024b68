"""One record an image: its features, its pixels and all its questions.

Schema versions 2 and 3. A record is a `tf.train.Example`; Q questions, L a
level:

    image_id              bytes, one
    image                 bytes, one: a PNG or JPEG file; optional
    image_size            int64, [height, width] of the picture
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

Raw bytes are written many times faster than lists of floats, and one record an
image is smaller and faster to read than one a question: `benchmarks/`. Token
ids are padded so that a block of records is decoded by one operation.
"""

from typing import Any
from typing import NamedTuple

import ml_dtypes
import numpy as np
import tensorflow as tf

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


class EncodedRecord(NamedTuple):
    """The bytes of one record, with what `count_questions` counts in them.

    Args:
        data: the bytes.
        questions: number of questions.
        in_vocabulary: number of them whose answer is in the vocabulary.
    """

    data: bytes
    questions: int
    in_vocabulary: int


def encode(
    image: dict[str, Any], feature_dtype: str = "float16"
) -> EncodedRecord:
    """Writes an image and its questions as the bytes of one record.

    Equal images give equal bytes.

    Args:
        image: dict with
            image_id: str.
            image: the picture file's bytes, or None.
            image_size: `(height, width)` of the picture.
            features: `{level: array}` of shape `(h, w, C)` or `(M, C)`; `{}`
                if there are none.
            boxes: `(M, 4)` array of the regions' x1, y1, x2, y2 in pixels, or
                None.
            questions: list of dicts with
                question_id, question, question_type, answer_type: str.
                answer: str, the most common normalized answer; "" if none.
                answer_id: int, -1 outside the vocabulary.
                all_answers: list of str, one an annotator.
                token_ids: list of int, padded with 0 to the same length in
                    all questions of a data set.
                scores: `{answer_id: float}`, soft targets in the vocabulary.
                object_boxes: list of [x1, y1, x2, y2] in pixels, what the
                    question is about; empty if nothing is known.
                complementary_id: str, the question_id of the same question
                    about a picture with another answer; "" if none.
        feature_dtype: "float16" or "bfloat16", how features are stored.

    Returns:
        `EncodedRecord`, whose data `decode` reads.

    Raises:
        ValueError: if an array has the wrong rank or a feature is no finite
            number of `feature_dtype`.
    """
    questions = image["questions"]
    feature = {
        "image_id": _bytes([image["image_id"].encode()]),
        "image_size": _ints(image["image_size"]),
        "token_ids": _token_ids(questions),
        "answer_ids": _ints(q["answer_id"] for q in questions),
        "all_answers": _texts(_flat(questions, "all_answers")),
        "all_answers_lengths": _ints(len(q["all_answers"]) for q in questions),
        "score_lengths": _ints(len(q["scores"]) for q in questions),
    }
    scores = [pair for q in questions for pair in sorted(q["scores"].items())]
    feature["score_ids"] = _ints(answer for answer, _ in scores)
    feature["score_values"] = _floats(score for _, score in scores)
    for name, key in _LISTS.items():
        feature[key] = _texts(q[name] for q in questions)
    for level, array in image["features"].items():
        key = f"features/{level}"
        feature[key] = _features(level, array, feature_dtype)
        feature[f"{key}/shape"] = _ints(np.shape(array))
        feature[f"{key}/dtype"] = _bytes([feature_dtype.encode()])
    if image["image"] is not None:
        feature["image"] = _bytes([image["image"]])
    if image["boxes"] is not None:
        feature["boxes"] = _boxes("boxes", image["boxes"])
    object_boxes = _flat(questions, "object_boxes")
    if object_boxes:
        feature["object_boxes"] = _boxes("object_boxes", object_boxes)
        feature["object_boxes_lengths"] = _ints(
            len(q["object_boxes"]) for q in questions
        )
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    return EncodedRecord(
        example.SerializeToString(deterministic=True),
        len(questions),
        sum(question["answer_id"] >= 0 for question in questions),
    )


def decode(record):
    """Reads the bytes of one record.

    Args:
        record: bytes, the data of an `EncodedRecord`.

    Returns:
        The dict that `encode` describes: features are arrays of the dtype
        they are stored in, boxes float32, texts `str`.
    """
    feature = tf.train.Example.FromString(record).features.feature
    texts = {
        name: [t.decode() for t in feature[key].bytes_list.value]
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
    per_question = {
        "token_ids": tokens.tolist(),
        "all_answers": _split(feature, "all_answers_lengths", answers),
        "scores": _split(feature, "score_lengths", list(scores)),
        "object_boxes": [[]] * len(answer_ids),
    }
    if "object_boxes" in feature:
        per_question["object_boxes"] = _split(
            feature,
            "object_boxes_lengths",
            _read_boxes(feature["object_boxes"]).tolist(),
        )
    questions = [
        {name: texts[name][i] for name in _TEXTS}
        | {
            "answer_id": answer_id,
            "token_ids": per_question["token_ids"][i],
            "all_answers": per_question["all_answers"][i],
            "scores": dict(per_question["scores"][i]),
            "object_boxes": per_question["object_boxes"][i],
        }
        for i, answer_id in enumerate(answer_ids)
    ]
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
    return {
        "image_id": feature["image_id"].bytes_list.value[0].decode(),
        "image": image,
        "image_size": tuple(feature["image_size"].int64_list.value),
        "features": features,
        "boxes": boxes,
        "questions": questions,
    }


def count_questions(record):
    """Returns the numbers of questions and of those in vocabulary.

    A question is in vocabulary if its answer is in the vocabulary.
    """
    feature = tf.train.Example.FromString(record).features.feature
    answer_ids = feature["answer_ids"].int64_list.value
    return len(answer_ids), sum(answer >= 0 for answer in answer_ids)


def _bytes(values):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def _texts(values):
    return _bytes(text.encode() for text in values)


def _ints(values):
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def _floats(values):
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def _array(values, dtype):
    return _bytes([np.asarray(values, dtype).tobytes()])


def _token_ids(questions):
    lengths = {len(q["token_ids"]) for q in questions}
    if len(lengths) > 1:
        raise ValueError(
            "`token_ids` must be padded to one length. Received lengths: "
            f"{sorted(lengths)}"
        )
    return _array([q["token_ids"] for q in questions], "<i4")


def _features(level, values, dtype):
    values = np.asarray(values)
    if values.ndim not in (2, 3):
        raise ValueError(
            "features must have shape (h, w, C) or (regions, C). Received: "
            f"features[{level!r}].shape={values.shape}"
        )
    if "/" in level:
        raise ValueError(f"a level has no '/' in its name. Received: {level!r}")
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


def _boxes(name, boxes):
    if np.ndim(boxes) != 2 or np.shape(boxes)[1] != 4:
        raise ValueError(
            f"`{name}` must have shape (boxes, 4). Received: "
            f"{name}.shape={np.shape(boxes)}"
        )
    return _array(boxes, "<f4")


def _read_boxes(feature):
    return np.frombuffer(feature.bytes_list.value[0], "<f4").reshape(-1, 4)


def _flat(questions, name):
    return [value for q in questions for value in q[name]]


def _split(feature, lengths, values):
    ends = np.cumsum(feature[lengths].int64_list.value, dtype=int)
    return [
        values[end - length : end]
        for end, length in zip(
            ends, feature[lengths].int64_list.value, strict=True
        )
    ]
