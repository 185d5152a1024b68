"""Habits of Keras users that a task keeps: copies, files and parts.

Here: `clone_model`, pickling and deep copies, `.keras` and `.weights.h5` files,
freezing, a subclass of one's own, `summary`, `model_to_dot`, intermediate
outputs, `export` and training loops of one's own.
"""

import copy
import importlib.util
import pickle

import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.models import VQA
from vqa_keras.models import StackedBackbone
from vqa_keras.models import freeze_layers


def steps(task):
    task.compile(
        keras.optimizers.SGD(0.1),
        run_eagerly=keras.config.backend() == "tensorflow",
    )


def test_a_clone_has_the_layers_and_other_weights(make_task, records, targets):
    task = make_task()
    clone = keras.models.clone_model(task)
    assert [w.shape for w in clone.weights] == [w.shape for w in task.weights]
    clone.set_weights(task.get_weights())
    inputs = task.preprocess_samples(records)
    np.testing.assert_allclose(
        clone.predict_on_batch(inputs), task.predict_on_batch(inputs), atol=1e-5
    )
    before = task.get_weights()
    clone.train_on_batch(inputs, targets)
    for old, new in zip(before, task.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_clone_of_a_trained_task_trains(make_task, records, targets):
    task = make_task()
    steps(task)
    task.train_on_batch(records, targets)
    clone = keras.models.clone_model(task)
    steps(clone)
    assert np.isfinite(clone.train_on_batch(records, targets)).all()


@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, copy.copy, lambda task: pickle.loads(pickle.dumps(task))],
)
def test_copies_compute_the_same(both, logits, copied):
    task, inputs = both
    twin = copied(task)
    assert isinstance(twin, VQA)
    np.testing.assert_array_equal(logits(twin, inputs), logits(task, inputs))


def test_a_pickled_task_still_answers(make_task, encoder, raw):
    task = make_task(encoder)
    image = raw["images"][0]
    task.ask(image, "what color")  # it has a compiled function now
    twin = pickle.loads(pickle.dumps(task))
    expected = task.ask(image, "what color")
    assert twin.ask(image, "what color").answers == expected.answers


@pytest.mark.parametrize("name", ["task.keras", "task.weights.h5"])
def test_weights_come_back_from_a_file(
    make_task, records, logits, tmp_path, name
):
    task, twin = make_task(), make_task()
    twin.set_weights([np.zeros_like(w) for w in twin.get_weights()])
    if name.endswith(".keras"):
        task.save(tmp_path / name)
    else:
        task.save_weights(tmp_path / name)
    twin.load_weights(tmp_path / name)
    np.testing.assert_array_equal(logits(twin, records), logits(task, records))


@pytest.mark.parametrize("form", ["preset", "file"])
def test_a_frozen_part_is_frozen_when_it_comes_back(make_task, tmp_path, form):
    task = make_task()
    freeze_layers(task.backbone, ["question_encoder.word_embedding"])
    task.backbone.region_encoder.trainable = False
    paths = [w.path for w in task.trainable_weights]
    if form == "preset":
        task.save_to_preset(tmp_path)
        twin = VQA.from_preset(tmp_path)
    else:
        task.save(tmp_path / "task.keras")
        twin = keras.saving.load_model(tmp_path / "task.keras")
    assert [w.path for w in twin.trainable_weights] == paths
    assert not [path for path in paths if path.startswith("region_encoder")]


def test_a_frozen_layer_of_the_head_is_frozen_when_it_comes_back(
    make_task, tmp_path
):
    task = make_task()
    task.hidden_dense.trainable = False
    paths = [w.path for w in task.trainable_weights]
    task.save_to_preset(tmp_path)
    twin = VQA.from_preset(tmp_path)
    assert [w.path for w in twin.trainable_weights] == paths


def test_a_backbone_of_ones_own_does_not_disturb_loading(
    make_task, records, logits, tmp_path
):
    @keras.saving.register_keras_serializable(package="test")
    class MyBackbone(StackedBackbone):
        pass

    task = make_task()
    mine = MyBackbone.from_config(task.backbone.get_config())
    own = VQA(mine, task.num_classes, task.preprocessor, hidden_dim=7)
    own.set_weights(task.get_weights())
    for model in (task, own):
        folder = tmp_path / type(model.backbone).__name__
        model.save_to_preset(folder)
        twin = VQA.from_preset(folder)
        assert type(twin.backbone) is type(model.backbone)
        np.testing.assert_array_equal(
            logits(twin, records), logits(task, records)
        )


def test_the_summary_names_the_layers_and_the_words(make_task):
    lines = []
    make_task().summary(print_fn=lines.append, expand_nested=True)
    text = "\n".join(map(str, lines))
    for name in ("question_encoder", "answer_dense", "Total params"):
        assert name in text


def test_the_graph_can_be_drawn(make_task, tmp_path):
    pytest.importorskip("pydot")
    assert keras.utils.model_to_dot(make_task(), expand_nested=True)


def test_intermediate_outputs_make_a_model(make_task, records):
    task = make_task()
    fused = task.backbone.output["fused"]
    attention = task.backbone.output["attention"]["regions_1"]
    model = keras.Model(task.backbone.input, [fused, attention])
    inputs = task.preprocess_samples(records)
    vectors, weights = model.predict_on_batch(inputs)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-5)
    encoder = task.backbone.get_layer("question_encoder")
    question = encoder(task.backbone.input["token_ids"])[0]
    part = keras.Model(task.backbone.input["token_ids"], question)
    assert part.predict_on_batch(records["token_ids"]).shape == (3, 4)
    extended = keras.layers.Dense(2)(task.output)
    model = keras.Model(task.input, extended)
    assert model.predict_on_batch(inputs).shape == (3, 2)
    assert vectors.shape == (3, 4)


@pytest.mark.slow
def test_keras_exports_the_logits(make_task, records, tmp_path):
    if keras.config.backend() != "tensorflow":
        pytest.skip("Keras exports a SavedModel with TensorFlow")
    tf = importlib.import_module("tensorflow")
    task = make_task()
    task.export(tmp_path / "saved", verbose=False)
    saved = tf.saved_model.load(str(tmp_path / "saved"))
    served = saved.serve(records_32(records))
    np.testing.assert_allclose(
        served, task.predict_on_batch(records), atol=1e-5
    )


def records_32(records):
    return {**records, "regions": records["regions"].astype("float32")}


def test_a_training_loop_of_ones_own_trains(make_task, records, targets):
    task = make_task()
    inputs = {
        name: ops.convert_to_tensor(array)
        for name, array in records_32(records).items()
    }
    logits, _ = task.stateless_call(
        [v.value for v in task.trainable_variables],
        [v.value for v in task.non_trainable_variables],
        inputs,
        training=False,
    )
    np.testing.assert_allclose(
        ops.convert_to_numpy(logits), task.predict_on_batch(records), atol=1e-5
    )
    before = task.get_weights()
    loss = task.compile_defaults()["loss"]
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.build(task.trainable_variables)
    apply_gradients(task, optimizer, lambda: loss(targets, task(inputs)))
    after = task.get_weights()
    assert any(
        np.abs(a - b).max() > 1e-6 for a, b in zip(before, after, strict=True)
    )


def apply_gradients(task, optimizer, compute_loss):
    backend = keras.config.backend()
    if backend == "tensorflow":
        tf = importlib.import_module("tensorflow")
        with tf.GradientTape() as tape:
            loss = compute_loss()
        gradients = tape.gradient(loss, task.trainable_variables)
    elif backend == "torch":
        compute_loss().backward()
        gradients = [v.value.grad for v in task.trainable_variables]
    else:
        pytest.skip("JAX computes gradients of functions: stateless_call")
    optimizer.apply(gradients, task.trainable_variables)
