from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from vqa_keras.data.records import count_questions
from vqa_keras.data.records import decode
from vqa_keras.data.records import encode


def assert_same(a, b):
    without = {"features": {}, "boxes": None}
    assert replace(a, **without) == replace(b, **without)
    assert sorted(a.features) == sorted(b.features)
    for level, values in a.features.items():
        np.testing.assert_array_equal(values, b.features[level])
    np.testing.assert_array_equal(a.boxes, b.boxes)


def test_decode_gives_back_what_was_encoded(images):
    for image in images:
        assert_same(decode(encode(image).data), image)


def test_text_of_any_language_survives(images):
    question = replace(
        images[0].questions[0],
        question="\u4ec0\u4e48 \U0001f600\x00?",
        all_answers=["", "\u00fc"],
    )
    image = replace(images[0], image_id="caf\u00e9", questions=[question])
    assert_same(decode(encode(image).data), image)


def test_image_without_picture_features_and_questions_survives(images):
    image = replace(images[0], image=None, features={}, questions=[])
    assert_same(decode(encode(image).data), image)


def test_boxes_survive(images):
    boxes = np.arange(8, dtype="float32").reshape(2, 4) / 3
    image = replace(images[0], boxes=boxes)
    assert_same(decode(encode(image).data), image)


def test_equal_images_give_equal_bytes(images):
    features = dict(reversed(images[4].features.items()))
    reordered = replace(images[4], features=features)
    assert list(reordered.features) != list(images[4].features)
    assert encode(reordered) == encode(images[4])


def test_features_are_raw_little_endian_float16(images):
    values = np.array([[1.0, -2.5]], ">f4")
    record = encode(replace(images[0], features={"late": values}))
    feature = tf.train.Example.FromString(record.data).features.feature
    assert feature["features/late"].bytes_list.value[0] == b"\x00\x3c\x00\xc1"
    assert list(feature["features/late/shape"].int64_list.value) == [1, 2]


def test_float16_features_are_rounded_to_the_nearest_even(images):
    halves = np.arange(0x7C00, dtype="uint16").view("float16")  # all positive
    exact = halves.astype("float32")
    ties = (exact[:-1] + exact[1:]) / 2  # between each and the next one
    near = np.nextafter(ties, np.float32(0))
    rng = np.random.default_rng(0)
    tiny = rng.normal(size=1000).astype("float32") * 1e-40
    values = np.concatenate([exact, ties, near, tiny])
    values = np.concatenate([values, -values])[None, :]
    image = replace(images[0], features={"late": values})
    read = decode(encode(image).data).features["late"]
    expected = values.astype("float16")
    np.testing.assert_array_equal(read.view("uint16"), expected.view("uint16"))


def test_bfloat16_features_keep_their_range_and_their_dtype(images):
    values = np.array([[1.0, -2.5e30]], "float32")
    image = replace(images[0], features={"late": values})
    features = decode(encode(image, "bfloat16").data).features["late"]
    assert features.dtype.name == "bfloat16"
    np.testing.assert_allclose(features.astype("float32"), values, rtol=2**-8)


def test_counts_questions_with_known_answers(images):
    for image, counts in ((images[0], (3, 2)), (images[2], (0, 0))):
        data, *counted = encode(image)
        assert count_questions(data) == tuple(counted) == counts


@pytest.mark.parametrize("value", [np.nan, np.inf, 65520.0, -1e6])
def test_rejects_features_that_float16_cannot_hold(images, value):
    features = {"late": np.array([[0.0, value]])}
    with pytest.raises(ValueError, match="finite and at most 65504"):
        encode(replace(images[0], features=features))


def test_rejects_arrays_of_the_wrong_rank(images):
    with pytest.raises(ValueError, match=r"shape \(h, w, C\) or"):
        encode(replace(images[0], features={"late": np.zeros(3)}))
    with pytest.raises(ValueError, match="`boxes` must have shape"):
        encode(replace(images[0], boxes=np.zeros((4, 3))))
    first, second, *_ = images[0].questions
    questions = [first, replace(second, token_ids=[*second.token_ids, 0])]
    with pytest.raises(ValueError, match="`token_ids` must be padded"):
        encode(replace(images[0], questions=questions))
    question = replace(first, object_boxes=[[1, 2, 3]])
    with pytest.raises(ValueError, match=r"`object_boxes` must have shape"):
        encode(replace(images[0], questions=[question]))
    with pytest.raises(ValueError, match="must be without '/'"):
        encode(replace(images[0], features={"a/b": np.zeros((1, 1))}))
