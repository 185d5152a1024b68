import json

import keras
import numpy as np
import pytest

from vqa_keras.models import VQA


def test_config_and_file_give_back_the_task(both, logits, tmp_path):
    task, inputs = both
    twin = VQA.from_config(task.get_config())
    assert twin.get_config() == task.get_config()
    task.save(tmp_path / "task.keras")
    twin = keras.saving.load_model(tmp_path / "task.keras")
    assert isinstance(twin, VQA)
    assert twin.preprocessor.answers == task.preprocessor.answers
    np.testing.assert_array_equal(logits(twin, inputs), logits(task, inputs))


def test_preset_gives_back_the_task(both, logits, tmp_path):
    task, inputs = both
    task.optimizer.build(task.trainable_variables)
    optimizer = task.optimizer
    task.save_to_preset(tmp_path)
    assert task.optimizer is optimizer
    twin = VQA.from_preset(tmp_path)
    assert isinstance(twin, VQA)
    assert twin.get_config() == task.get_config()
    np.testing.assert_array_equal(logits(twin, inputs), logits(task, inputs))


class Adam(keras.optimizers.Adam):
    """Stands for the Adam that Keras makes on torch."""


Adam.__module__ = "keras.src.backend.torch.optimizers.torch_adam"


@pytest.mark.parametrize("adam", [keras.optimizers.Adam, Adam])
@pytest.mark.parametrize("scaled", [False, True])
def test_a_saved_optimizer_needs_no_torch(make_task, tmp_path, adam, scaled):
    task = make_task()
    optimizer = adam(0.25)
    if scaled:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    task.compile(optimizer, "mse", metrics=[])
    assert "torch" not in json.dumps(task.get_compile_config())
    task.save(tmp_path / "task.keras")
    twin = keras.saving.load_model(tmp_path / "task.keras").optimizer
    twin = twin.inner_optimizer if scaled else twin
    assert isinstance(twin, keras.optimizers.Adam)
    assert float(twin.learning_rate) == 0.25


@pytest.mark.slow
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


@pytest.mark.slow
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


def test_other_answers_give_a_new_head_and_keep_the_words(
    make_task, encoder, tmp_path, raw
):
    task = make_task(encoder)
    task.save_to_preset(tmp_path)
    twin = VQA.from_preset(tmp_path, answers=["yes", "no"])
    assert twin.preprocessor.answers == ["yes", "no"]
    assert twin.num_classes == 2
    words = task.preprocessor.tokenizer.get_vocabulary()
    assert twin.preprocessor.tokenizer.get_vocabulary() == words
    assert set(twin.ask(raw["images"][0], "what").answers) == {"yes", "no"}


def test_a_subclass_does_not_disturb_loading(make_task, tmp_path):
    @keras.saving.register_keras_serializable(package="test")
    class MyVQA(VQA):
        pass

    task = make_task()
    mine = MyVQA(
        **{
            **task.get_config(),
            "backbone": task.backbone,
            "preprocessor": task.preprocessor,
        }
    )
    for model in (task, mine):
        folder = tmp_path / type(model).__name__
        model.save_to_preset(folder)
        assert type(VQA.from_preset(folder)) is type(model)


@pytest.mark.slow
def test_the_encoder_of_a_trained_run_stays_frozen(
    make_task, encoder, raw, targets, tmp_path
):
    make_task().with_image_encoder(encoder).save_to_preset(tmp_path)
    task = VQA.from_preset(tmp_path)
    inside = task.backbone.image_encoder
    assert not inside.trainable and not inside.trainable_weights
    before = inside.get_weights()
    task.fit(raw, targets, shuffle=False, verbose=0)
    for old, new in zip(before, inside.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    inside.trainable = True
    assert inside.trainable_weights


def test_a_preset_of_version_0_1_is_refused_by_name(make_task, tmp_path):
    make_task().save_to_preset(tmp_path)
    file = tmp_path / "task.json"
    config = json.loads(file.read_text())
    config |= {
        "module": "vqa_keras.models.stacked",
        "class_name": "StackedVQA",
        "registered_name": "vqa_keras>StackedVQA",
    }
    file.write_text(json.dumps(config))
    with pytest.raises(ValueError, match="a StackedVQA of vqa_keras 0.1"):
        VQA.from_preset(tmp_path)
