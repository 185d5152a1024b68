"""Every pass over a shuffled dataset is the next epoch, in `fit` too."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from vqa_keras.data import Records
from vqa_keras.data import load
from vqa_keras.models import VQA
from vqa_keras.models import StackedBackbone

# Keras reads a batch on JAX before it trains a newly compiled model.
PEEKS = 0 if keras.config.backend() == "tensorflow" else 1


def number(tokens):
    """100 times the number of a question's image, and its place there."""
    return 100 * (tokens[:, 0] - 1) + tokens[:, 1] - 1


def passed(dataset):
    """The numbers of the questions of one pass, in order."""
    batches = dataset.as_numpy_iterator()
    return [n for x, _ in batches for n in number(x["token_ids"]).tolist()]


def epochs(records, count, **options):
    """The orders of the first epochs, each read by a dataset of its own."""
    return [
        passed(
            load(records, "train", 4, shuffle=True, first_epoch=e, **options)
        )
        for e in range(count)
    ]


class NumbersOfQuestions(keras.callbacks.Callback):
    """Gathers by epoch the losses of the steps, undoing Keras's mean."""

    def __init__(self):
        super().__init__()
        self.epochs = []

    def on_epoch_begin(self, epoch, logs=None):
        self.epochs.append([])
        self.total = 0.0

    def on_train_batch_end(self, step, logs=None):
        total = float(logs["loss"]) * (step + 1)
        self.epochs[-1].append(round(total - self.total))
        self.total = total


class Task(VQA):
    """A task whose loss is the number of a batch's only question."""

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        loss = ops.cast(number(x["token_ids"])[0], "float32")
        return loss + 0.0 * ops.sum(y_pred)


def make_task():
    backbone = StackedBackbone(
        vocabulary_size=20,
        regions_dim=3,
        embedding_dim=2,
        hidden_dim=2,
        attention_dim=2,
    )
    task = Task(backbone, num_classes=3, hidden_dim=None)
    task.compile(keras.optimizers.SGD(0.1))
    return task


def fit(dataset, **arguments):
    """The numbers of the questions that every epoch of `fit` trains on."""
    seen = NumbersOfQuestions()
    make_task().fit(dataset, callbacks=[seen], verbose=0, **arguments)
    return seen.epochs


@pytest.mark.slow
def test_passes_are_epochs_in_orders_of_their_own(records):
    dataset = load(records, "train", 4, shuffle=True)
    orders = [passed(dataset) for _ in range(3)]
    assert orders == epochs(records, 3)
    assert len(set(map(tuple, orders))) == 3
    questions = sorted(passed(load(records, "train", 4)))
    assert [sorted(order) for order in orders] == [questions] * 3


@pytest.mark.slow
def test_passes_after_a_resume_are_those_of_the_whole_run(records):
    resumed = load(records, "train", 4, shuffle=True, first_epoch=2)
    assert [passed(resumed), passed(resumed)] == epochs(records, 4)[2:]


@pytest.mark.slow
def test_the_global_seed_has_no_influence_on_the_orders(records):
    expected = epochs(records, 2)
    tf.random.set_seed(123)
    dataset = load(records, "train", 4, shuffle=True)
    assert [passed(dataset), passed(dataset)] == expected
    assert epochs(records, 2, seed=1)[0] not in expected


def test_a_peek_counts_as_a_pass(records):
    dataset = load(records, "train", 4, shuffle=True)
    next(iter(dataset))
    assert passed(dataset) == epochs(records, 2)[1]


def test_an_iterator_that_is_not_read_is_no_pass(records):
    dataset = load(records, "train", 4, shuffle=True)
    unread = iter(dataset)
    assert passed(dataset) == epochs(records, 1)[0]
    del unread


def test_an_iterator_gives_the_epoch_of_every_pass(records):
    order = itertools.cycle([5, 0])
    dataset = load(records, "train", 4, shuffle=True, first_epoch=order)
    sixth = passed(dataset)
    assert passed(dataset) == epochs(records, 1)[0] != sixth
    assert passed(dataset) == sixth


def test_passes_without_shuffling_are_equal(records):
    dataset = load(records, "train", 4)
    assert passed(dataset) == passed(dataset) == sorted(passed(dataset))


def test_repeat_goes_on_to_the_next_epoch(records):
    dataset = load(records, "train", 4, shuffle=True)
    assert passed(dataset.repeat(2)) == sum(epochs(records, 2), [])


def test_images_are_shared_in_another_order_every_pass(records):
    dataset = load(records, "train", 5, shuffle=True, share_images=True)
    first, second = passed(dataset), passed(dataset)
    assert first != second
    assert sorted(first) == sorted(second)


@pytest.mark.slow
def test_fit_trains_on_an_order_per_epoch_and_again_on_the_same(records):
    whole = fit(load(records, "train", 1, shuffle=True), epochs=3)
    assert len(set(map(tuple, whole))) == 3
    assert whole == [
        passed(load(records, "train", 1, shuffle=True, first_epoch=e))
        for e in range(PEEKS, 3 + PEEKS)
    ]
    assert fit(load(records, "train", 1, shuffle=True), epochs=3) == whole


@pytest.mark.slow
def test_a_resumed_fit_trains_on_what_the_whole_one_does(records):
    whole = fit(load(records, "train", 1, shuffle=True), epochs=3)
    resumed = load(records, "train", 1, shuffle=True, first_epoch=1)
    assert fit(resumed, initial_epoch=1, epochs=3) == whole[1:]


def test_the_number_of_steps_is_that_of_one_epoch(records):
    dataset = load(records, "train", 8, shuffle=True)
    steps = Records(records).steps("train", 8)
    assert len(dataset) == len(list(dataset)) == len(list(dataset)) == steps
    assert steps == 4  # 30 questions


def test_datasets_of_one_folder_count_on_their_own(records):
    opened = Records(records)
    one = opened.load("train", 4, shuffle=True)
    other = opened.load("train", 4, shuffle=True)
    assert passed(one) == passed(other)
    np.testing.assert_array_equal(passed(one), epochs(records, 2)[1])
