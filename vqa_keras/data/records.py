"""One record an image: its features, its pixels and all its questions.

Schema version 1. A record is a `tf.train.Example`; Q questions, L a level:

    image_id              bytes, one
    image                 bytes, one: a PNG or JPEG file; optional
    image_size            int64, [height, width] of the picture
    features/L            bytes, one: raw little-endian float16
    features/L/shape      int64, [h, w, C] or [M, C]
    boxes                 bytes, one: raw little-endian float32 (M, 4); optional
    question_ids, questions, question_types, answer_types, answers
                          bytes, Q; text is UTF-8
    token_ids             bytes, one: raw little-endian int32, flat
    token_lengths         int64, Q
    answer_ids            int64, Q; -1 outside the answer vocabulary
    all_answers           bytes, flat; all_answers_lengths int64, Q
    score_ids             int64, flat; score_values float32, flat;
    score_lengths         int64, Q

Raw bytes are written many times faster than lists of floats, and one record an
image is smaller and faster to read than one a question: `benchmarks/`.
"""

import numpy as np
import tensorflow as tf

SCHEMA_VERSION = 1
FLOAT16_MAX = 65504
_TEXTS = ("question_id", "question", "question_type", "answer_type", "answer")
_LISTS = {name: f"{name}s" for name in _TEXTS}


def encode(image):
    """Writes an image and its questions as the bytes of one record.

    Equal images give equal bytes.

    Args:
        image: dict with
            image_id: str.
            image: the picture file's bytes, or None.
            image_size: `(height, width)` of the picture.
            features: `{level: array}` of shape `(h, w, C)` or `(M, C)`, stored
                as float16; `{}` if there are none.
            boxes: `(M, 4)` array, or None.
            questions: list of dicts with
                question_id, question, question_type, answer_type: str.
                answer: str, the most common normalized answer; "" if none.
                answer_id: int, -1 outside the vocabulary.
                all_answers: list of str, one an annotator.
                token_ids: list of int, without padding.
                scores: `{answer_id: float}`, soft targets in the vocabulary.

    Returns:
        bytes, which `decode` reads.

    Raises:
        ValueError: if an array has the wrong rank or a feature is no finite
            float16.
    """
    questions = image["questions"]
    feature = {
        "image_id": _bytes([image["image_id"].encode()]),
        "image_size": _ints(image["image_size"]),
        "token_ids": _array(_flat(questions, "token_ids"), "<i4"),
        "token_lengths": _ints(len(q["token_ids"]) for q in questions),
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
        feature[f"features/{level}"] = _features(level, array)
        feature[f"features/{level}/shape"] = _ints(np.shape(array))
    if image["image"] is not None:
        feature["image"] = _bytes([image["image"]])
    if image["boxes"] is not None:
        if np.ndim(image["boxes"]) != 2 or np.shape(image["boxes"])[1] != 4:
            raise ValueError(
                "`boxes` must have shape (regions, 4). Received: "
                f"boxes.shape={np.shape(image['boxes'])}"
            )
        feature["boxes"] = _array(image["boxes"], "<f4")
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    return example.SerializeToString(deterministic=True)


def decode(record):
    """Reads the bytes of one record.

    Args:
        record: bytes written by `encode`.

    Returns:
        The dict that `encode` describes: features are float16 arrays, boxes
        float32, texts `str`.
    """
    feature = tf.train.Example.FromString(record).features.feature
    texts = {
        name: [t.decode() for t in feature[key].bytes_list.value]
        for name, key in _LISTS.items()
    }
    answer_ids = feature["answer_ids"].int64_list.value
    tokens = np.frombuffer(feature["token_ids"].bytes_list.value[0], "<i4")
    answers = [t.decode() for t in feature["all_answers"].bytes_list.value]
    scores = zip(
        feature["score_ids"].int64_list.value,
        feature["score_values"].float_list.value,
        strict=True,
    )
    per_question = {
        "token_ids": _split(feature, "token_lengths", tokens.tolist()),
        "all_answers": _split(feature, "all_answers_lengths", answers),
        "scores": _split(feature, "score_lengths", list(scores)),
    }
    questions = [
        {name: texts[name][i] for name in _TEXTS}
        | {
            "answer_id": answer_id,
            "token_ids": per_question["token_ids"][i],
            "all_answers": per_question["all_answers"][i],
            "scores": dict(per_question["scores"][i]),
        }
        for i, answer_id in enumerate(answer_ids)
    ]
    features = {}
    for key in sorted(feature):
        if key.startswith("features/") and not key.endswith("/shape"):
            raw = np.frombuffer(feature[key].bytes_list.value[0], "<f2")
            shape = feature[f"{key}/shape"].int64_list.value
            features[key.removeprefix("features/")] = raw.reshape(shape)
    image = boxes = None
    if "image" in feature:
        image = feature["image"].bytes_list.value[0]
    if "boxes" in feature:
        boxes = np.frombuffer(feature["boxes"].bytes_list.value[0], "<f4")
        boxes = boxes.reshape(-1, 4)
    return {
        "image_id": feature["image_id"].bytes_list.value[0].decode(),
        "image": image,
        "image_size": tuple(feature["image_size"].int64_list.value),
        "features": features,
        "boxes": boxes,
        "questions": questions,
    }


def count_questions(record):
    """Returns how many questions a record has, and how many are answerable.

    A question is answerable if its answer is in the vocabulary.
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


def _features(level, values):
    values = np.asarray(values)
    if values.ndim not in (2, 3):
        raise ValueError(
            "features must have shape (h, w, C) or (regions, C). Received: "
            f"features[{level!r}].shape={values.shape}"
        )
    if "/" in level:
        raise ValueError(f"a level has no '/' in its name. Received: {level!r}")
    if not np.all(np.abs(values) <= FLOAT16_MAX):  # also false for NaN
        raise ValueError(
            f"features must be finite and at most {FLOAT16_MAX}, to be stored "
            f"as float16. Received: features[{level!r}] with largest magnitude "
            f"{np.abs(values).max()}"
        )
    return _array(values, "<f2")


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
