"""What every layer of the package owes its user, checked in one place."""

import inspect
import json

import keras
import numpy as np
import pytest
from keras import ops

# Policy and how far an output of size 1 may be from its float32 twin.
HALF_POLICIES = {"mixed_bfloat16": 0.05, "mixed_float16": 0.01}


# A run is trained, a wheel is built: who needs one is slow.
SLOW_FIXTURES = {"run", "wheel"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if SLOW_FIXTURES & set(item.fixturenames):
            item.add_marker("slow")


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(0)


def cheap_eagerly():
    """Whether one step of training costs less eagerly than traced.

    TensorFlow traces for a second of a core; JAX compiles each operation that
    it runs eagerly. `tests/zoo/entries_test.py` trains every mechanism traced.
    """
    return keras.config.backend() == "tensorflow"


@pytest.fixture
def check_layer(tmp_path):
    """Returns `check(layer, inputs, untrained=())`: what every layer keeps.

    Declared shapes and dtypes match the computed ones, eagerly and compiled;
    the layer comes back whole from its config, which holds every constructor
    argument, and from a `.keras` file; in half precision the outputs are finite
    and near those of float32; and one training step moves every weight.

    `inputs` maps the names of call arguments to arrays, token ids and masks
    included. `untrained` lists the ends of the paths of weights that have no
    gradient by design; they must not move.
    """

    def check(layer, inputs, untrained=()):
        outputs = keras.tree.flatten(layer(**inputs))
        _assert_declared_shapes(layer, inputs, outputs)
        _assert_config_is_whole(layer)

        symbolic = _symbolic(inputs)
        symbolic_outputs = layer(**symbolic)
        for inferred, output in zip(
            keras.tree.flatten(symbolic_outputs), outputs, strict=True
        ):
            assert inferred.shape[1:] == tuple(output.shape)[1:]
            assert inferred.dtype == _dtype(output)

        model = keras.Model(symbolic, symbolic_outputs)
        path = tmp_path / "layer.keras"
        model.save(path)
        restored = keras.models.load_model(path)
        _assert_equal(restored(inputs), outputs, atol=1e-6)
        _assert_equal(restored.predict_on_batch(inputs), outputs, atol=1e-5)

        for policy, atol in HALF_POLICIES.items():
            _assert_works_in(policy, layer, inputs, outputs, atol)

        if model.trainable_weights and keras.config.backend() != "numpy":
            _assert_every_weight_trains(model, inputs, outputs, untrained)

    return check


def _assert_declared_shapes(layer, inputs, outputs):
    accepted = inspect.signature(layer.compute_output_shape).parameters
    shapes = {
        f"{name}_shape": keras.tree.map_structure(lambda a: a.shape, arrays)
        for name, arrays in inputs.items()
    }
    declared = layer.compute_output_shape(
        **{name: shapes[name] for name in accepted if name in shapes}
    )
    assert [tuple(output.shape) for output in outputs] == _flat(declared)


def _flat(shapes):
    """A list of the shapes in nested tuples of them."""
    if shapes[0] is None or isinstance(shapes[0], int):
        return [tuple(shapes)]
    return [shape for inner in shapes for shape in _flat(inner)]


def _symbolic(inputs):
    """Keras inputs like the arrays of `inputs`, some of them in a list."""
    return {
        name: [_input(array, None) for array in arrays]
        if isinstance(arrays, list)
        else _input(arrays, name)
        for name, arrays in inputs.items()
    }


def _input(array, name):
    return keras.Input(array.shape[1:], dtype=str(array.dtype), name=name)


def _assert_config_is_whole(layer):
    config = layer.get_config()
    arguments = set(inspect.signature(type(layer)).parameters) - {"kwargs"}
    assert arguments <= set(config), f"missing: {arguments - set(config)}"
    json.dumps(keras.saving.serialize_keras_object(layer))
    twin = type(layer).from_config(config)
    assert twin.get_config() == config


def _assert_works_in(policy, layer, inputs, outputs, atol):
    half = type(layer).from_config({**layer.get_config(), "dtype": policy})
    specs = half(**_symbolic(inputs))
    half.set_weights(layer.get_weights())
    halves = keras.tree.flatten(half(**inputs))
    assert _dtype(halves[0]) == half.compute_dtype
    for spec, t, output in zip(
        keras.tree.flatten(specs), halves, outputs, strict=True
    ):
        assert _dtype(t) == spec.dtype
        assert _dtype(t) in (half.compute_dtype, "float32", "int32")
        values = _numpy(ops.cast(t, "float32"))
        assert np.isfinite(values).all(), f"{policy}: an output is not finite"
        np.testing.assert_allclose(
            values, _numpy(ops.cast(output, "float32")), rtol=atol, atol=atol
        )


def _assert_every_weight_trains(model, inputs, outputs, untrained):
    floats = [i for i, t in enumerate(outputs) if "float" in _dtype(t)]
    model = keras.Model(model.input, [model.outputs[i] for i in floats])
    rng = np.random.default_rng(0)
    targets = [rng.normal(size=outputs[i].shape) for i in floats]
    model.compile(
        optimizer=keras.optimizers.SGD(1.0),
        loss=["mse"] * len(floats),
        run_eagerly=cheap_eagerly(),
    )
    before = [np.array(_numpy(w)) for w in model.trainable_weights]
    model.train_on_batch(
        inputs,
        [target.astype("float32") for target in targets],
    )
    for weight, old in zip(model.trainable_weights, before, strict=True):
        moved = np.abs(_numpy(weight) - old).max()
        assert np.isfinite(moved), f"{weight.path} has a gradient of NaN"
        if weight.path.endswith(tuple(untrained)):
            assert moved < 1e-6, f"{weight.path} trains after all"
        else:
            assert moved > 1e-6, f"{weight.path} gets no gradient"


def _assert_equal(outputs, expected, atol):
    for a, b in zip(keras.tree.flatten(outputs), expected, strict=True):
        np.testing.assert_allclose(_numpy(a), _numpy(b), atol=atol)


def _numpy(tensor):
    return ops.convert_to_numpy(tensor)


def _dtype(tensor):
    return keras.backend.standardize_dtype(tensor.dtype)
