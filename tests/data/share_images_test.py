"""Batches that hold an image once for all its questions."""

import numpy as np
import pytest
import tensorflow as tf

from vqa_keras.data import Records
from vqa_keras.data import load


def repeated(batch):
    """The batch with the image of each question in place of its index."""
    inputs, targets = batch
    index = inputs.pop("image_index")
    images = {"regions", "regions_mask", "images", "grid_1", "grid_2"}
    return {
        name: values[index] if name in images else values
        for name, values in inputs.items()
    }, targets


def rows(batches):
    """Every question as one tuple of numbers, in order."""
    for inputs, targets in batches:
        columns = [inputs[name] for name in sorted(inputs)] + [targets]
        yield from (
            tuple(np.concatenate([c[i].ravel() for c in columns]).tolist())
            for i in range(len(targets))
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"inputs": "images"},
        {"inputs": "grids"},
        {"targets": "scores"},
        {"in_vocabulary_only": True},
        {"limit": 6},
        {"shard": (1, 3)},
    ],
)
def test_questions_and_images_are_those_of_repeated_images(
    write_records, images, options
):
    records = write_records(images, late=(2, 2, 3))
    shared = load(records, "train", 5, share_images=True, **options)
    plain = load(records, "train", 5, **options)
    found = list(map(repeated, shared.as_numpy_iterator()))
    assert list(rows(found)) == list(rows(plain.as_numpy_iterator()))
    assert len(found) == Records(records).steps(
        "train",
        5,
        share_images=True,
        **{k: v for k, v in options.items() if k not in ("inputs", "targets")},
    )


def test_regions_that_vary_in_number_are_padded(write_records, make_image):
    images = [make_image(i, 2, num_regions=2 + i % 3) for i in range(10)]
    records = write_records(images, late=(None, 3))
    plain = load(records, "train", 100)
    (shared,) = load(
        records, "train", 100, share_images=True
    ).as_numpy_iterator()
    assert shared[0]["regions"].shape == (10, 4, 3)
    assert list(rows([repeated(shared)])) == list(
        rows(plain.as_numpy_iterator())
    )


def test_shuffling_moves_images_and_keeps_every_question(records):
    shared = load(records, "train", 5, shuffle=True, share_images=True)
    found = list(shared.repeat(2).as_numpy_iterator())
    steps = Records(records).steps("train", 5, share_images=True)
    assert len(found) == 2 * steps
    first, second = (
        list(rows(map(repeated, part)))
        for part in (found[:steps], found[steps:])
    )
    plain = list(rows(load(records, "train", 5).as_numpy_iterator()))
    assert sorted(first) == sorted(second) == sorted(plain)
    assert first != second


def test_a_batch_without_question_in_vocabulary_keeps_one(
    write_records, make_image
):
    images = [
        make_image(4 * i, 1) for i in range(10)
    ]  # no answer in the vocabulary
    images[0] = make_image(0, 3)
    records = write_records(images)
    batches = load(
        records, "train", 1, share_images=True, in_vocabulary_only=True
    )
    counts = [len(targets) for _, targets in batches]
    assert counts == [2, 1]  # five images a batch, of 0.2 questions each
    *_, (_, targets) = batches
    assert tf.reduce_sum(targets) == 0
