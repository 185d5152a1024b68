import keras
import numpy as np
import pytest

from vqa_keras.models import VQA
from vqa_keras.models import StackedVQA


def test_config_and_file_give_back_the_task(both, logits, tmp_path):
    task, inputs = both
    twin = StackedVQA.from_config(task.get_config())
    assert twin.get_config() == task.get_config()
    task.save(tmp_path / "task.keras")
    twin = keras.saving.load_model(tmp_path / "task.keras")
    assert isinstance(twin, StackedVQA)
    assert twin.preprocessor.answers == task.preprocessor.answers
    np.testing.assert_array_equal(logits(twin, inputs), logits(task, inputs))


@pytest.mark.parametrize("cls", [VQA, StackedVQA])
def test_preset_gives_back_the_task(both, logits, tmp_path, cls):
    task, inputs = both
    task.optimizer.build(task.trainable_variables)
    optimizer = task.optimizer
    task.save_to_preset(tmp_path)
    assert task.optimizer is optimizer
    twin = cls.from_preset(tmp_path)
    assert isinstance(twin, StackedVQA)
    assert twin.get_config() == task.get_config()
    np.testing.assert_array_equal(logits(twin, inputs), logits(task, inputs))


def test_preset_has_no_optimizer_state(make_task, records, targets, tmp_path):
    h5py = pytest.importorskip("h5py")
    task = make_task()
    task.train_on_batch(records, targets)
    task.save_to_preset(str(tmp_path))
    sizes = []
    for path in tmp_path.glob("*.weights.h5"):
        with h5py.File(path) as file:
            file.visititems(
                lambda name, item: sizes.append(
                    (name, getattr(item, "size", 0))
                )
            )
    assert not [name for name, _ in sizes if "optimizer" in name]
    assert sum(size for _, size in sizes) == task.count_params()


def test_other_number_of_classes_gives_a_new_head(
    make_task, tmp_path, records, logits
):
    task = make_task()
    task.save_to_preset(str(tmp_path))
    twin = VQA.from_preset(str(tmp_path), num_classes=5)
    assert twin.preprocessor is None
    assert logits(twin, records).shape == (3, 5)
    for old, new in zip(
        task.backbone.get_weights(), twin.backbone.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(old, new)


def test_file_gives_back_the_state_of_the_training(
    make_task, records, targets, tmp_path
):
    task = make_task()
    task.compile(keras.optimizers.Adam(0.01), "mse", metrics=[])
    task.train_on_batch(records, targets)
    task.save(tmp_path / "task.keras")
    twin = keras.saving.load_model(tmp_path / "task.keras")
    assert twin.loss == "mse"
    for model in (task, twin):
        model.train_on_batch(records, targets)
    assert int(twin.optimizer.iterations) == 2
    for old, new in zip(task.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(new, old, atol=1e-6)
