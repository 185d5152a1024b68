"""Training on two devices, in a process that has two."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]

PROGRAM = """
import pathlib
import sys

import keras
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2
)

from vqa_keras.data import Records
from vqa_keras.runs import training
from vqa_keras.runs.settings import Settings
from vqa_keras.zoo import recipe
from vqa_keras.zoo.build_model import build_task

zoo, records, folder = map(pathlib.Path, sys.argv[1:])
recipe.entries = lambda: zoo
tiny = recipe.load_recipe("tiny")
tiny["backbone"]["dropout"] = tiny["head"]["dropout"] = 0.0
tiny["training"]["epochs"] = 4
recipe.load_recipe = lambda name: tiny
opened = Records(records)
losses = {}


class Losses(keras.callbacks.Callback):
    def on_train_batch_end(self, step, logs=None):
        self.losses.append(float(logs["loss"]))


for strategy in training.STRATEGIES:
    callback = Losses()
    callback.losses = losses[strategy] = []
    training._tensorboard = lambda folder: [callback]
    task, _ = training.train(
        lambda dtype: build_task(tiny, opened, dtype),
        Settings(**tiny["training"]), opened, folder / strategy,
        strategy=strategy, verbose=0,
    )
    losses[strategy + " weights"] = task.get_weights()
assert len(losses["none"]) == 20, len(losses["none"])
np.testing.assert_allclose(losses["mirrored"], losses["none"], atol=1e-4)
weights = losses["mirrored weights"], losses["none weights"]
for a, b in zip(*weights, strict=True):
    np.testing.assert_allclose(a, b, atol=1e-3)
print("equal", len(tf.config.list_logical_devices("CPU")), losses["none"][-1])
"""


@pytest.mark.slow
def test_two_devices_give_the_losses_of_one(zoo_folder, records, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, zoo_folder, records, tmp_path],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("equal 2 ")
