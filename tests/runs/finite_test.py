"""A training whose loss, logs or weights are not finite."""

import math

import keras
import numpy as np
import pytest

from vqa_keras.runs.finite import NotFinite
from vqa_keras.runs.finite import StopNotFinite


class Count(keras.callbacks.Callback):
    """Counts batches, and calls `change(model)` after one of them."""

    def __init__(self, batch=None, change=None):
        super().__init__()
        self.batches = self.epochs = 0
        self.batch, self.change = batch, change

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1
        if self.batches == self.batch:
            self.change(self.model)

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1


def train(x, count, before=()):
    layers = [keras.Input((2,)), keras.layers.Dense(1, name="dense")]
    model = keras.Sequential(layers)
    model.compile("adam", loss="mse")
    y = np.ones((len(x), 1))
    callbacks = [*before, StopNotFinite(), count]
    model.fit(x, y, 1, 3, shuffle=False, callbacks=callbacks, verbose=0)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_at_its_batch(value):
    x = np.ones((8, 2))
    x[4, 0] = value
    count = Count()
    with pytest.raises(NotFinite, match="in epoch 1. Likely causes: ") as error:
        train(x, count)
    assert (count.batches, count.epochs) == (4, 0)
    assert error.value.received.endswith("after batch 5")
    assert "none is kept; --noresume trains anew" in str(error.value)


@pytest.mark.parametrize("of_optimizer", [False, True])
def test_a_weight_that_the_loss_does_not_show_is_never_saved(of_optimizer):
    def damage(model):
        variables = model.optimizer.variables if of_optimizer else model.weights
        variable = variables[-1]
        variable.assign(np.full(variable.shape, np.nan))

    # After the last batch of the second epoch.
    count = Count(8, damage)
    saved = Count()
    with pytest.raises(NotFinite, match="weight .* not finite in epoch 2"):
        train(np.ones((4, 2)), saved, before=[count])
    assert saved.epochs == 1


def test_a_log_that_is_not_finite_names_its_epoch():
    stop = StopNotFinite()
    with pytest.raises(NotFinite, match="val_loss nan in epoch 2.") as error:
        stop.on_epoch_end(1, {"loss": 0.5, "val_loss": math.nan})
    assert "--epochs=1 ends the training there" in str(error.value)
    assert "\n" not in str(error.value)
