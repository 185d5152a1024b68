import importlib.util
import pathlib

import keras
import numpy as np
import pytest

from tests.models.backbones_test import make_backbone  # noqa: F401 - fixture
from vqa_keras.models import VQA
from vqa_keras.models.layer_order import set_layer_order

BENCHMARK = pathlib.Path(__file__).parents[2] / "benchmarks/backends.py"


def names(model):
    return [layer.name for layer in model.layers]


@pytest.mark.parametrize("name", ["Transformer", "Hierarchical", "Stacked"])
def test_layers_are_in_the_order_of_sorted_outputs(make_backbone, name):  # noqa: F811
    backbone = make_backbone(name)
    attention = sorted(backbone.output["attention"].items())
    tensors = [tensor for _, tensor in attention]
    tensors.append(backbone.output["fused"])
    inputs = [backbone.input[name] for name in sorted(backbone.input)]
    plain = keras.Model(inputs, tensors)
    assert names(backbone) == names(plain)
    set_layer_order(backbone)
    assert names(backbone) == names(plain)


def test_dict_outputs_of_any_model_get_one_order():
    def build(keys):
        inputs = keras.Input((3,), name="inputs")
        outputs = {
            key: keras.layers.Dense(2, name=f"dense_{key}")(inputs)
            for key in keys
        }
        return keras.Model(inputs, outputs)

    models = [build("ab"), build("ba")]
    for model in models:
        set_layer_order(model)
    assert names(models[0]) == names(models[1])


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
def test_a_file_with_layers_in_another_order_is_read_by_name(
    make_backbone,  # noqa: F811
    tmp_path,
    suffix,
):
    backbone = make_backbone("Transformer")
    task = VQA(backbone, 3, hidden_dim=None)
    path = tmp_path / f"task{suffix}"
    save_with_poolings_swapped(task, path)
    twin = VQA.from_config(task.get_config())
    if suffix == ".keras":
        twin = keras.saving.load_model(path)
    else:
        twin.load_weights(path)
    for old, new in zip(task.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
    twin.save(tmp_path / "again.keras")  # sorts them again
    assert names(twin.backbone) == names(backbone)


def save_with_poolings_swapped(task, path):
    """Saves a task in the order of layers that torch had."""
    operations = task.backbone._operations
    before = list(operations)
    first, second = (i for i, o in enumerate(before) if "pooling" in o.name)
    with pytest.MonkeyPatch.context() as patch:
        for module in ("saved_task", "saved_backbone"):
            name = f"vqa_keras.models.{module}.set_layer_order"
            patch.setattr(name, lambda model: None)
        operations[first], operations[second] = before[second], before[first]
        if path.suffix == ".keras":
            task.save(path)
        else:
            task.save_weights(path)
        operations[:] = before


def test_layers_of_other_names_are_read_in_their_order(tmp_path, make_task):
    task = make_task()
    config = task.backbone.get_config()
    renamed = type(task.backbone).from_config({**config, "name": "other"})
    task.backbone.save_weights(tmp_path / "model.weights.h5")
    renamed.load_weights(tmp_path / "model.weights.h5")
    for old, new in zip(
        task.backbone.get_weights(), renamed.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(new, old)


@pytest.mark.slow
def test_presets_compute_the_same_on_tensorflow_and_on_jax():
    spec = importlib.util.spec_from_file_location("backends", BENCHMARK)
    backends = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(backends)
    cases = ["transformer", "cnn_layer+pixels", "ensemble"]
    found = backends.compare(["tensorflow", "jax"], cases)
    assert len(found) == 6
    for key, difference in found.items():
        assert difference <= backends.bound(key[0]), key
