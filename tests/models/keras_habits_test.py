"""Habits of Keras users that a task keeps: training and its data.

Here: arrays that `fit` shuffles, generators, `PyDataset`, a torch
`DataLoader`, targets as texts, sample and class weights, the exponential moving
average of the weights, gradient accumulation, a schedule of learning rates,
callbacks, single batches, `evaluate(return_dict=True)`, `run_eagerly`,
`jit_compile` and a search of hyperparameters. `keras_surgery_test.py` has
clones, copies, files, freezing and parts of the graph,
`keras_precision_test.py` int8, LoRA and half precision.
"""

import importlib.util

import keras
import numpy as np
import pytest
from keras import ops

from tests.models.conftest import ANSWERS
from vqa_keras.models import VQA


@pytest.fixture
def task(make_task):
    """A task that runs eagerly: tracing takes a second per test."""
    task = make_task()
    task.compile(keras.optimizers.SGD(0.1), run_eagerly=eager())
    return task


def eager():
    return keras.config.backend() == "tensorflow"


def moved(task, before):
    return any(
        np.abs(a - b).max() > 1e-6
        for a, b in zip(task.get_weights(), before, strict=True)
    )


class Batches(keras.utils.PyDataset):
    def __init__(self, *arrays):
        super().__init__()
        self.arrays = arrays

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return self.arrays


def test_a_py_dataset_trains_and_evaluates(task, records, targets):
    before = task.get_weights()
    batches = Batches(records, targets)
    history = task.fit(batches, verbose=0).history
    assert np.isfinite(history["loss"]).all() and moved(task, before)
    found = task.evaluate(batches, verbose=0, return_dict=True)
    expected = task.evaluate(records, targets, verbose=0, return_dict=True)
    assert found == pytest.approx(expected, abs=1e-5)
    assert set(found) == {"loss", "accuracy"}


def test_a_generator_trains(task, records, targets):
    def generate():
        while True:
            yield records, targets

    before = task.get_weights()
    task.fit(generate(), steps_per_epoch=2, verbose=0)
    assert moved(task, before)
    assert int(task.optimizer.iterations) == 2


def test_a_torch_data_loader_trains(task, records, targets):
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed: make test-torch installs it")
    data = importlib.import_module("torch.utils.data")
    rows = [
        ({name: array[i] for name, array in records.items()}, targets[i])
        for i in range(3)
    ]
    before = task.get_weights()
    task.fit(data.DataLoader(rows, batch_size=3), verbose=0)
    assert moved(task, before)


def order_of_fit(task, records, targets, **arguments):
    """The first token of each question, in the order in which `fit` reads."""
    seen = []
    inputs = {n: np.repeat(a[:1], 32, axis=0) for n, a in records.items()}
    inputs["token_ids"] = np.tile(np.arange(32)[:, None] % 6, (1, 2))
    inputs["token_ids"][:, 1] = np.arange(32) // 6
    inputs["token_ids"] = inputs["token_ids"].astype("int32")
    call = task.backbone.call

    def spy(x, **kwargs):
        ids = ops.convert_to_numpy(x["token_ids"])
        seen.extend((ids[:, 0] + 6 * ids[:, 1]).tolist())
        return call(x, **kwargs)

    task.compile("sgd", run_eagerly=True)
    task.backbone.call = spy
    task.fit(
        inputs,
        np.repeat(targets[:1], 32, axis=0),
        batch_size=8,
        verbose=0,
        **arguments,
    )
    return seen[-32:]


@pytest.mark.skipif(
    keras.config.backend() == "jax", reason="JAX always traces a step"
)
@pytest.mark.parametrize("as_list", [False, True])
def test_arrays_are_shuffled_unless_told_not_to(
    task, records, targets, as_list
):
    found = order_of_fit(task, records, targets)
    assert sorted(found) == list(range(32)) and found != list(range(32))
    task.backbone.call = type(task.backbone).call.__get__(task.backbone)
    found = order_of_fit(task, records, targets, shuffle=False)
    assert found == list(range(32))


def test_targets_may_be_texts(task, records, targets):
    losses = [
        task.evaluate(records, y, verbose=0)
        for y in (targets, ANSWERS, np.array(ANSWERS), tuple(ANSWERS))
    ]
    np.testing.assert_allclose(losses, [losses[0]] * 4)
    before = task.get_weights()
    task.fit(records, y=ANSWERS, validation_data=(records, ANSWERS), verbose=0)
    assert moved(task, before)


def test_raw_images_and_texts_train(make_task, encoder, raw):
    task = make_task(encoder)
    task.compile("sgd", run_eagerly=eager())
    history = task.fit(raw, y=ANSWERS, verbose=0).history
    assert np.isfinite(history["loss"]).all()


@pytest.mark.parametrize("answers", [["red", "green", "mauve"], ["red"]])
def test_texts_that_are_not_answers_are_refused(task, records, answers):
    with pytest.raises(ValueError, match="`y`.* must .*Received: "):
        task.fit(records, y=answers, verbose=0)


def test_targets_of_another_width_are_refused(task, records):
    with pytest.raises(ValueError, match="must .*Received: "):
        task.fit(records, np.zeros((3, 4), "float32"), verbose=0)


def test_sample_weights_and_class_weights_scale_the_loss(
    task, records, targets
):
    weights = np.array([0.0, 0.0, 1.0], "float32")
    weighted = task.evaluate(records, targets, sample_weight=weights, verbose=0)
    last = {name: array[2:] for name, array in records.items()}
    alone = task.evaluate(last, targets[2:], verbose=0)
    assert weighted[0] == pytest.approx(alone[0] / 3, rel=1e-4)
    before = task.get_weights()
    nothing = dict.fromkeys(range(3), 0.0)
    task.fit(records, targets, class_weight=nothing, verbose=0)
    assert not moved(task, before)


def test_the_moving_average_of_the_weights_is_kept_and_taken(
    task, records, targets
):
    optimizer = keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)
    task.compile(optimizer, run_eagerly=eager())
    steps = []
    for _ in range(2):
        task.train_on_batch(records, targets)
        steps.append(task.get_weights())
    optimizer.finalize_variable_values(task.trainable_variables)
    # The first step is the first average.
    for first, second, mean in zip(*steps, task.get_weights(), strict=True):
        np.testing.assert_allclose(mean, (first + second) / 2, atol=1e-5)


def test_the_weights_may_be_swapped_with_their_average(task, records, targets):
    optimizer = keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)
    task.compile(optimizer, run_eagerly=eager())
    callback = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    before = task.get_weights()
    task.fit(records, targets, callbacks=[callback], verbose=0)
    assert moved(task, before)


def test_gradients_accumulate_over_steps(task, records, targets):
    optimizer = keras.optimizers.SGD(0.1, gradient_accumulation_steps=2)
    task.compile(optimizer, run_eagerly=eager())
    before = task.get_weights()
    task.train_on_batch(records, targets)
    assert not moved(task, before)
    task.train_on_batch(records, targets)
    assert moved(task, before)


def test_a_schedule_of_learning_rates_survives_saving(
    task, records, targets, tmp_path
):
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)
    task.compile(keras.optimizers.SGD(schedule), run_eagerly=eager())
    task.train_on_batch(records, targets)
    task.save(tmp_path / "task.keras")
    twin = keras.saving.load_model(tmp_path / "task.keras")
    assert int(twin.optimizer.iterations) == 1
    rates = [float(t.optimizer.learning_rate) for t in (task, twin)]
    assert rates[0] == rates[1] < 0.1


def test_callbacks_keep_restore_and_resume(task, records, targets, tmp_path):
    best = tmp_path / "best.keras"
    callbacks = [
        keras.callbacks.ModelCheckpoint(best, "loss", save_best_only=True),
        keras.callbacks.BackupAndRestore(tmp_path / "backup"),
        keras.callbacks.EarlyStopping("loss", restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau("loss"),
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
    ]
    history = task.fit(
        records, targets, epochs=2, callbacks=callbacks, verbose=0
    ).history
    kept = keras.saving.load_model(best)
    assert isinstance(kept, VQA)
    assert len(history["loss"]) == 2
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert len(lines) == 3


def test_single_batches_train_and_predict(task, records, targets):
    before = task.get_weights()
    found = task.train_on_batch(records, targets, return_dict=True)
    assert set(found) == {"loss", "accuracy"} and moved(task, before)
    expected = task.test_on_batch(records, targets, return_dict=True)
    assert set(expected) == {"loss", "accuracy"}
    np.testing.assert_allclose(
        task.predict_on_batch(records),
        task.predict(records, verbose=0),
        atol=1e-5,
    )


@pytest.mark.slow
@pytest.mark.parametrize("how", [{"jit_compile": True}, {"run_eagerly": True}])
def test_compiled_or_eager_steps_give_equal_weights(
    make_task, records, targets, how
):
    if how.get("jit_compile") and keras.config.backend() == "torch":
        pytest.skip("torch needs a C++ compiler for it")
    tasks = [make_task(), make_task()]
    tasks[0].compile(keras.optimizers.SGD(0.1), jit_compile=False)
    tasks[1].compile(keras.optimizers.SGD(0.1), **how)
    losses = [task.train_on_batch(records, targets)[0] for task in tasks]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    for a, b in zip(*(t.get_weights() for t in tasks), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_a_search_of_hyperparameters_builds_and_trains(
    make_task, records, targets
):
    """KerasTuner is not installed: its use of a model is repeated here."""

    class Choices:
        def Choice(self, name, values):  # noqa: N802 - name of KerasTuner
            return values[self.trial % len(values)]

    def build(hp):
        task = make_task(hidden_dim=hp.Choice("hidden_dim", [None, 7]))
        rate = hp.Choice("rate", [0.1, 0.01])
        task.compile(
            keras.optimizers.SGD(rate), metrics=["accuracy"], run_eagerly=True
        )
        return task

    scores = []
    for trial in range(2):
        hp = Choices()
        hp.trial = trial
        task = build(hp)
        history = task.fit(
            records,
            targets,
            validation_data=(records, targets),
            epochs=1,
            verbose=0,
        ).history
        scores.append(history["val_accuracy"][-1])
    assert np.isfinite(scores).all()
