import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from vqa_keras.data import Records
from vqa_keras.data import load
from vqa_keras.data.features import FILES
from vqa_keras.data.features import Features
from vqa_keras.errors import UserError


def batches(dataset):
    return list(dataset.as_numpy_iterator())


def column(dataset, name):
    return np.concatenate([inputs[name] for inputs, _ in batches(dataset)])


def order(dataset):
    """Numbers of image and question of every question, in order."""
    pairs = column(dataset, "token_ids")[:, :2] - 1
    return [tuple(pair) for pair in pairs.tolist()]


@pytest.fixture
def pairs(images):
    return [
        (i, j)
        for i, image in enumerate(images)
        for j in range(len(image.questions))
    ]


def assert_same_batches(a, b):
    for x, y in zip(batches(a), batches(b), strict=True):
        flat = zip(tf.nest.flatten(x), tf.nest.flatten(y), strict=True)
        for values, others in flat:
            np.testing.assert_array_equal(values, others)


def test_batches_hold_each_question_with_its_image(records, images):
    regions, tokens, targets = [], [], []
    for image in images:
        for question in image.questions:
            regions.append(image.features["late"])
            padding = [0] * (3 - len(question.token_ids))
            tokens.append(question.token_ids + padding)
            targets.append(np.arange(3) == question.answer_id)
    found = batches(load(records, "train", 8))
    assert [len(target) for _, target in found] == [8, 8, 8, 6]
    data = load(records, "train", 8)
    np.testing.assert_array_equal(column(data, "regions"), regions)
    np.testing.assert_array_equal(column(data, "token_ids"), tokens)
    np.testing.assert_array_equal(column(data, "regions_mask"), 1)
    np.testing.assert_array_equal(
        np.concatenate([t for _, t in found]), targets
    )


def test_shapes_are_known_and_no_input_is_bool_or_string(records):
    inputs, targets = load(records, "train", 8).element_spec
    assert {
        k: (v.shape.as_list(), v.dtype.name) for k, v in inputs.items()
    } == {
        "regions": ([None, 4, 3], "float16"),
        "regions_mask": ([None, 4], "int32"),
        "token_ids": ([None, 3], "int32"),
    }
    assert (targets.shape.as_list(), targets.dtype) == ([None, 3], tf.float32)


def test_another_level_comes_in_raster_order(records, images):
    data = load(records, "train", 3, level="early")
    early = images[0].features["early"]
    found = column(data, "regions")[0]
    np.testing.assert_array_equal(found[4 * 2 + 1], early[2, 1])


def test_scores_hold_every_answer_of_the_annotators(records, images):
    expected = np.zeros((30, 3))
    questions = [q for image in images for q in image.questions]
    for row, question in zip(expected, questions, strict=True):
        for answer, score in question.scores.items():
            row[answer] = score
    data = load(records, "train", 7, targets="scores")
    assert data.element_spec[1].shape.as_list() == [None, 3]
    found = np.concatenate([targets for _, targets in batches(data)])
    np.testing.assert_array_equal(found, expected)


def test_without_targets_elements_are_inputs(records):
    data = load(records, "train", 30, targets=None)
    assert sorted(batches(data)[0]) == ["regions", "regions_mask", "token_ids"]


def test_images_are_the_stored_pixels(records, images):
    data = load(records, "train", 4, inputs="images")
    assert data.element_spec[0]["images"].shape.as_list() == [None, 6, 5, 3]
    rng = np.random.default_rng(4)
    pixels = rng.integers(0, 256, (6, 5, 3), dtype="uint8")
    found = column(data, "images")
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found[6], pixels)
    np.testing.assert_array_equal(found[14], pixels)


def test_images_are_resized_on_demand(records):
    data = load(records, "train", 4, inputs="images", image_size=(3, 4))
    assert column(data, "images").shape == (30, 3, 4, 3)


@pytest.mark.parametrize("targets", ["answer", "scores"])
def test_varying_numbers_of_regions_are_padded(
    write_records, make_image, targets
):
    images = [make_image(i, 2, num_regions=i) for i in range(1, 6)]
    records = write_records(images, late=(None, 3))
    data = load(records, "train", 4, targets=targets)
    spec = data.element_spec[0]
    assert spec["regions"].shape.as_list() == [None, None, 3]
    assert spec["regions_mask"].shape.as_list() == [None, None]
    found = [inputs for inputs, _ in batches(data)]
    assert [inputs["regions"].shape[1] for inputs in found] == [2, 4, 5]
    for inputs in found:
        numbers = inputs["token_ids"][:, 0] - 1
        mask = np.arange(inputs["regions"].shape[1]) < numbers[:, None]
        np.testing.assert_array_equal(inputs["regions_mask"], mask)
        np.testing.assert_array_equal(
            inputs["regions"], (mask * numbers[:, None])[..., None] * np.ones(3)
        )


def test_order_without_shuffling_is_that_of_questions(records, pairs):
    read = Records(records).questions("train")
    assert [q.question_id for q in read] == [f"{i}-{j}" for i, j in pairs]
    assert order(load(records, "train", 4)) == pairs


@pytest.mark.parametrize("shuffle_bytes", [20_000, 2**28])
def test_shuffling_keeps_every_question_once(records, pairs, shuffle_bytes):
    data = load(records, "train", 4, shuffle=True, shuffle_bytes=shuffle_bytes)
    found = order(data)
    assert found != pairs
    assert sorted(found) == pairs


def test_resumed_run_sees_the_batches_of_the_whole_run(records):
    whole = load(records, "train", 8, shuffle=True)
    for _ in range(3):
        assert len(batches(whole)) == 4
    resumed = load(records, "train", 8, shuffle=True, first_epoch=3)
    assert_same_batches(whole, resumed)


def test_no_batch_spans_two_epochs(records):
    data = load(records, "train", 8, shuffle=True)
    sizes = [len(targets) for _, targets in batches(data.repeat(3))]
    assert sizes == [8, 8, 8, 6] * 3


@pytest.mark.parametrize(
    ("in_vocabulary_only", "drop_remainder", "limit"),
    [
        (False, False, None),
        (True, False, None),
        (True, True, 7),
        (False, True, 4),
        (False, False, 5),
        (True, False, 1),
        (False, False, 100),
    ],
)
def test_number_of_batches_is_known(
    records, in_vocabulary_only, drop_remainder, limit
):
    arguments = {
        "in_vocabulary_only": in_vocabulary_only,
        "drop_remainder": drop_remainder,
        "limit": limit,
    }
    data = load(records, "train", 2, **arguments)
    steps = Records(records).steps("train", 2, **arguments)
    assert data.cardinality() == len(batches(data)) == steps


def test_questions_in_vocabulary_have_a_target(records):
    data = load(records, "train", 4, in_vocabulary_only=True)
    targets = np.concatenate([targets for _, targets in batches(data)])
    np.testing.assert_array_equal(targets.sum(axis=-1), np.ones(22))


@pytest.mark.parametrize("shuffle", [False, True])
def test_limit_takes_the_first_images(records, pairs, shuffle):
    data = load(records, "train", 4, limit=5, shuffle=shuffle)
    expected = [pair for pair in pairs if pair[0] < 5]
    assert sorted(order(data)) == expected
    assert sorted(order(data)) == expected
    assert len(list(Records(records).images("train", limit=5))) == 5


@pytest.mark.parametrize("shuffle", [False, True])
def test_workers_share_the_images(records, pairs, shuffle):
    found = []
    for worker in range(3):
        data = load(records, "train", 4, shard=(worker, 3), shuffle=shuffle)
        part = order(data)
        assert {image % 3 for image, _ in part} == {worker}
        assert data.cardinality() == len(batches(data))
        found += part
    assert sorted(found) == pairs


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": "dev"}, "train, empty. Received: dev"),
        (
            {"split": "empty"},
            "the split empty must have questions. Received: 0",
        ),
        ({"batch_size": 0}, "at least 1. Received: batch_size=0"),
        ({"batch_size": 31, "drop_remainder": True}, "30 questions"),
        (
            {"inputs": "boxes"},
            "'regions', 'grids', 'images'. Received: inputs='boxes'",
        ),
        ({"targets": "words"}, "Received: targets='words'"),
        ({"level": "middle"}, "early, late. Received: level=middle"),
        ({"limit": 0}, "at least 1. Received: limit=0"),
        ({"limit": 3, "shard": (2, 3)}, "0 in 1 images for worker 2 of 3"),
        ({"shard": (2, 2)}, r"index < count. Received: shard=\(2, 2\)"),
        ({"first_epoch": -1}, "at least 0. Received: first_epoch=-1"),
    ],
)
def test_argument_that_cannot_be_met_is_named(records, arguments, message):
    with pytest.raises(UserError, match=message):
        load(records, **{"split": "train", "batch_size": 4} | arguments)


def test_images_that_were_not_stored_are_missed(write_records, images):
    images = [dataclasses.replace(image, image=None) for image in images]
    records = write_records(images, stored_images=False)
    assert load(records, "train", 4).cardinality() == 8
    with pytest.raises(UserError, match="records must be with images"):
        load(records, "train", 4, inputs="images")


def test_features_that_were_not_stored_are_missed(write_records, images):
    images = [dataclasses.replace(image, features={}) for image in images]
    records = write_records(images, features=None)
    with pytest.raises(UserError, match="records must be with features"):
        load(records, "train", 4)
    with pytest.raises(UserError, match="`image_size` must be given"):
        load(records, "train", 4, inputs="images")
    data = load(records, "train", 4, inputs="images", image_size=(6, 5))
    assert column(data, "images").shape == (30, 6, 5, 3)


def test_images_without_a_cnn_have_no_size_of_their_own(write_records, images):
    features = Features(FILES, "boxes", "a" * 64, {"late": (4, 3)})
    records = write_records(images, features=features)
    with pytest.raises(UserError, match="`image_size` must be given"):
        load(records, "train", 4, inputs="images")
    data = load(records, "train", 4, inputs="images", image_size=(6, 5))
    assert column(data, "images").shape == (30, 6, 5, 3)


def test_changed_shard_is_found_before_reading(records):
    path = records / "train-0.tfrecord"
    content = bytearray(path.read_bytes())
    content[50] ^= 1
    path.write_bytes(content)
    for read in (
        lambda: load(records, "train", 4),
        lambda: next(Records(records).images("train")),
    ):
        with pytest.raises(UserError, match="train-0.tfrecord.*sha256"):
            read()


def test_truncated_shard_is_found_before_reading(records):
    path = records / "train-2.tfrecord"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match="train-2.tfrecord.*bytes. Received"):
        load(records, "train", 4, verify=False)
