"""Habits of Keras users that a task keeps: int8, LoRA and half precision."""

import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.models import VQA

HALF = ["mixed_float16", "mixed_bfloat16"]
if keras.config.backend() == "tensorflow":  # elsewhere no QR starts an LSTM
    HALF.append("float16")


def steps(task):
    task.compile(
        keras.optimizers.SGD(0.1),
        run_eagerly=keras.config.backend() == "tensorflow",
    )


@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize`")
def test_int8_right_after_loading_is_near_float32(
    make_task, records, logits, tmp_path
):
    make_task().save_to_preset(tmp_path / "full")
    task = VQA.from_preset(tmp_path / "full")
    expected = logits(task, records)
    task.quantize("int8")
    found = logits(task, records)
    scale = np.abs(expected).max()
    assert 0 < np.abs(found - expected).max() < 0.1 * scale
    assert task.answer_dense.kernel.dtype == "int8"
    for save in (task.save_to_preset, task.save):
        with pytest.raises(ValueError, match="saved before `quantize`"):
            save(tmp_path / "quantized.keras")


def test_lora_leaves_the_kernels_and_trains_its_factors(
    make_task, records, targets
):
    task = make_task()
    names = ["regions_dense", "word_embedding"]
    task.backbone.enable_lora(2, target_layer_names=names)
    trainable = [w.path for w in task.backbone.trainable_weights]
    assert sum("lora" in path for path in trainable) >= 4
    assert all("lora" in p or p.endswith("_dense/bias") for p in trainable)
    before = values(task.backbone)
    steps(task)
    task.train_on_batch(records, targets)
    after = values(task.backbone)
    moved = {p for p in after if np.abs(after[p] - before[p]).max() > 0}
    assert moved and moved <= set(trainable)


def values(model):
    return {w.path: np.array(ops.convert_to_numpy(w)) for w in model.weights}


def test_lora_has_layers_by_default_and_a_file_of_its_own(
    make_task, records, logits, tmp_path
):
    task, twin = make_task(), make_task()
    task.backbone.enable_lora(2)
    factors = [w for w in task.backbone.trainable_weights if "lora" in w.path]
    assert len(factors) >= 4
    for weight in factors:
        weight.assign(np.ones(weight.shape))
    task.backbone.save_lora_weights(str(tmp_path / "task.lora.h5"))
    before = logits(twin, records)
    twin.backbone.load_lora_weights(str(tmp_path / "task.lora.h5"))
    expected = logits(task, records)
    np.testing.assert_allclose(logits(twin, records), expected, atol=1e-5)
    assert np.abs(before - expected).max() > 1e-3


def test_a_global_policy_of_half_precision_is_used_and_saved(
    make_task, records, logits, tmp_path
):
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        task = make_task()
    finally:
        keras.config.set_dtype_policy(policy)
    assert task.backbone.compute_dtype == "bfloat16"
    assert task.backbone.question_encoder.compute_dtype == "bfloat16"
    task.save_to_preset(tmp_path)
    twin = VQA.from_preset(tmp_path)
    assert twin.backbone.question_encoder.compute_dtype == "bfloat16"
    np.testing.assert_array_equal(logits(twin, records), logits(task, records))


@pytest.mark.parametrize("dtype", HALF)
def test_a_preset_in_half_precision_loads_as_it_was_saved(
    make_task, records, logits, tmp_path, dtype
):
    task = make_task(dtype=dtype)
    task.save_to_preset(tmp_path)
    twin = VQA.from_preset(tmp_path)
    assert twin.backbone.dtype_policy.name == dtype
    for old, new in zip(task.weights, twin.weights, strict=True):
        assert old.dtype == new.dtype
    np.testing.assert_array_equal(logits(twin, records), logits(task, records))
