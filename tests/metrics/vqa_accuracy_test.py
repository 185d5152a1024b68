import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.metrics import VQAAccuracy

SCORES = np.array(
    [[1, 0, 0.3], [0.9, 0.6, 0], [0, 0, 0], [0.3, 1, 0], [0, 0, 0.6]],
    "float32",
)
LOGITS = np.array(
    [[2, -1, 0], [0, 3, -2], [9, 0, 0], [1, 0, 4], [-5, -4, -3]], "float32"
)
EXPECTED = np.array([1, 0.6, 0, 0, 0.6])


def test_is_the_mean_score_of_the_predicted_answers():
    metric = VQAAccuracy()
    metric.update_state(SCORES, LOGITS)
    assert float(metric.result()) == pytest.approx(EXPECTED.mean())


def test_every_question_counts_once_whatever_its_batch():
    metric = VQAAccuracy()
    metric.update_state(SCORES[:4], LOGITS[:4])
    metric.update_state(SCORES[4:], LOGITS[4:])
    assert float(metric.result()) == pytest.approx(EXPECTED.mean())
    metric.reset_state()
    assert float(metric.result()) == 0


def test_sample_weight_weights_the_questions():
    metric = VQAAccuracy()
    weight = np.array([1, 2, 0, 1, 4], "float32")
    metric.update_state(SCORES, LOGITS, sample_weight=weight)
    expected = (weight * EXPECTED).sum() / weight.sum()
    assert float(metric.result()) == pytest.approx(expected)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_outputs_keep_a_float32_mean(dtype):
    metric = VQAAccuracy()
    for _ in range(300):  # 1500 questions: bfloat16 cannot count past 256
        metric.update_state(SCORES, ops.cast(LOGITS, dtype))
    assert float(metric.result()) == pytest.approx(EXPECTED.mean(), abs=1e-5)


def test_comes_back_from_its_config():
    metric = VQAAccuracy(name="score")
    config = keras.saving.serialize_keras_object(metric)
    twin = keras.saving.deserialize_keras_object(config)
    assert isinstance(twin, VQAAccuracy)
    assert twin.get_config() == metric.get_config()


@pytest.mark.slow
def test_fit_and_a_saved_model_know_it(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
    model.compile("sgd", "mse", metrics=[VQAAccuracy()])
    history = model.fit(LOGITS, SCORES, batch_size=2, verbose=0).history
    assert 0 <= history["vqa_accuracy"][0] <= 1
    model.save(tmp_path / "model.keras")
    twin = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        twin.evaluate(LOGITS, SCORES, verbose=0),
        model.evaluate(LOGITS, SCORES, verbose=0),
    )


@pytest.mark.parametrize(
    "y_true, y_pred",
    [(SCORES[:, 0], LOGITS), (SCORES, LOGITS[:, :2]), (SCORES[None], LOGITS)],
)
def test_rejects_other_shapes(y_true, y_pred):
    with pytest.raises(ValueError, match=r"\(batch, answers\). Received"):
        VQAAccuracy().update_state(y_true, y_pred)


# Two logical devices must be set up before TensorFlow starts, so the program
# runs in a process of its own. Ten questions in batches of four: the last
# batch is short, and its two questions go to different devices.
MIRRORED = """
import keras
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, two)
from vqa_keras.metrics import VQAAccuracy

rng = np.random.default_rng(0)
logits = rng.normal(size=(10, 5)).astype("float32")
scores = rng.random((10, 5)).astype("float32")
strategy = tf.distribute.MirroredStrategy(["cpu:0", "cpu:1"])
assert strategy.num_replicas_in_sync == 2
with strategy.scope():
    model = keras.Sequential([keras.Input((5,)), keras.layers.Identity()])
    model.compile("sgd", "mse", metrics=[VQAAccuracy()])
data = tf.data.Dataset.from_tensor_slices((logits, scores)).batch(4)
result = model.evaluate(data, verbose=0, return_dict=True)["vqa_accuracy"]
expected = scores[np.arange(10), logits.argmax(axis=1)].mean()
assert abs(result - expected) < 1e-6, (result, expected)
"""


@pytest.mark.slow
def test_two_mirrored_devices_give_the_mean_of_one():
    if keras.config.backend() != "tensorflow":
        pytest.skip("MirroredStrategy needs the TensorFlow backend")
    done = subprocess.run(
        [sys.executable, "-c", MIRRORED],
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
