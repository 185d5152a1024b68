"""Every layer under every condition that Keras allows, on every backend.

`tests/fixtures/every_layer.py` has the layers. The last line of output counts
layers and conditions:

    python -m pytest tests/layers/conditions_test.py
"""

import contextlib
import functools
import inspect

import keras
import numpy as np
import pytest
from keras import ops

from tests.fixtures.every_layer import ARGUMENTS
from tests.fixtures.every_layer import CASES
from tests.fixtures.every_layer import D
from tests.fixtures.every_layer import M
from tests.fixtures.every_layer import N
from tests.fixtures.every_layer import flat
from tests.fixtures.every_layer import pad
from tests.fixtures.every_layer import with_masks
from tests.fixtures.gradients import outputs_and_gradients
from vqa_keras import layers
from vqa_keras.layers.attention_layer import AttentionLayer
from vqa_keras.layers.keras_mask import get_keras_mask
from vqa_keras.layers.keras_mask import set_keras_mask

BACKEND = keras.config.backend()
every_case = pytest.mark.parametrize("case", CASES, ids=str)
every_masked_case = pytest.mark.parametrize(
    "case", [case for case in CASES if case.masked], ids=str
)
tried = set()


@pytest.fixture(autouse=True)
def _try(request):
    parameters = getattr(request.node, "callspec", None)
    if parameters is not None:
        others = {**parameters.params, "case": None}
        condition = (request.node.originalname, str(others))
        tried.add((parameters.params["case"].name, condition))


@pytest.fixture(autouse=True, scope="module")
def _count(request):
    failed = request.session.testsfailed
    yield
    failed = request.session.testsfailed - failed
    terminal = request.config.pluginmanager.getplugin("terminalreporter")
    if terminal is not None:  # None in a worker of pytest-xdist
        names, conditions = map(set, zip(*tried, strict=True))
        terminal.write_line(
            f"\n{BACKEND}: {len(names)} layers, {len(conditions)} conditions, "
            f"{failed} failures"
        )


@functools.cache
def made(name):
    """Returns one layer per case: JAX compiles its gradients once."""
    return next(case for case in CASES if str(case) == name).make()


def zeroed(case):
    """Returns inputs with zeros at padding."""
    return pad(case.inputs(), case.masks(), 0)


def factors_of(outputs):
    rng = np.random.default_rng(2)
    return [rng.normal(size=t.shape).astype("float32") for t in outputs]


@functools.cache
def expected(name):
    """Returns outputs and gradients with zeros at padding."""
    case = next(case for case in CASES if str(case) == name)
    inputs, masks = zeroed(case), with_masks(case.masks())
    outputs = flat(made(name)(**inputs, **masks))
    return outputs_and_gradients(
        made(name), inputs, factors_of(outputs), **masks
    )


def assert_near(found, wanted, atol=1e-5):
    found, wanted = keras.tree.flatten(found), keras.tree.flatten(wanted)
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=atol)


def assert_finite(tensors):
    for array in flat(tensors):
        assert np.isfinite(array).all()


def test_the_table_holds_every_public_layer():
    public = {n for n, c in vars(layers).items() if inspect.isclass(c)}
    assert public == set(ARGUMENTS)


@every_masked_case
@pytest.mark.parametrize("padding", [np.nan, np.inf], ids=str)
def test_padding_changes_no_output_and_no_gradient(case, padding):
    masks = case.masks()
    signs = np.resize([1, -1, -1], D)
    inputs = pad(case.inputs(), masks, padding * signs)
    outputs, by_input, by_weight = expected(str(case))
    found, by_padded, by_weight_again = outputs_and_gradients(
        made(str(case)), inputs, factors_of(outputs), **with_masks(masks)
    )
    assert_near(found, outputs)
    assert_near(by_padded, by_input)
    assert_near(by_weight_again, by_weight)
    for name, gradient in by_padded.items():
        if name in masks:
            assert (gradient[masks[name] == 0] == 0).all()


@every_masked_case
def test_appended_padding_changes_no_output_and_no_gradient(case):
    if case.on_grid:
        pytest.skip("Padding follows no grid.")
    inputs = case.inputs()
    if "token_ids" in inputs:  # all of them words
        inputs["token_ids"] = np.maximum(inputs["token_ids"], 1)
    layer = made(str(case))
    longer, masks = dict(inputs), {}
    for name in case.masked:
        value = 3 if name == "token_ids" else np.nan
        extra = [(0, 0), (0, 2)] + [(0, 0)] * (inputs[name].ndim - 2)
        longer[name] = np.pad(inputs[name], extra, constant_values=value)
        masks[name] = np.pad(
            np.ones(inputs[name].shape[:2], "int32"), extra[:2]
        )
    if "probabilities" in inputs:
        longer["probabilities"] = np.pad(
            inputs["probabilities"], [(0, 0), (0, 2)], constant_values=np.nan
        )
    outputs = flat(layer(**inputs))
    factors = factors_of(outputs)
    outputs, by_input, by_weight = outputs_and_gradients(layer, inputs, factors)
    more = flat(layer(**longer, **with_masks(masks)))
    found, by_longer, by_weight_again = outputs_and_gradients(
        layer,
        longer,
        [
            np.pad(
                f, [(0, k - m) for k, m in zip(t.shape, f.shape, strict=True)]
            )
            for f, t in zip(factors, more, strict=True)
        ],
        **with_masks(masks),
    )

    def cut(arrays, shapes):
        return [
            a[tuple(slice(0, size) for size in b.shape)]
            for a, b in zip(
                keras.tree.flatten(arrays),
                keras.tree.flatten(shapes),
                strict=True,
            )
        ]

    assert_near(cut(found, outputs), outputs)
    assert_near(cut(by_longer, by_input), by_input)
    assert_near(by_weight_again, by_weight)


def attach(inputs, masks):
    """Returns the inputs as tensors that carry the masks."""
    tensors = {
        name: keras.tree.map_structure(ops.convert_to_tensor, value)
        for name, value in inputs.items()
    }
    for name, mask in masks.items():
        set_keras_mask(tensors[name], ops.convert_to_tensor(mask, "bool"))
    return tensors


def compile(function):
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.function(function)
    if BACKEND == "jax":
        import jax

        return jax.jit(function)
    return function


def call_with_attached(layer, inputs, masks, explicit, compiled):
    """Returns the flat outputs and the masks that they carry, or None."""

    def call(inputs, masks, explicit):
        outputs = keras.tree.flatten(layer(**attach(inputs, masks), **explicit))
        return outputs, [get_keras_mask(output) for output in outputs]

    call = compile(call) if compiled else call
    outputs, carried = call(inputs, masks, explicit)
    return flat(outputs), [
        None if mask is None else ops.convert_to_numpy(mask) for mask in carried
    ]


def kept_masks(case, layer, inputs, masks):
    """Returns the mask of each output that keeps the axis of words or regions.

    Outputs and not weights: Keras would weigh a loss with the mask.
    """
    result = layer(**inputs)
    values = result[0] if isinstance(layer, AttentionLayer) else result
    count = len(keras.tree.flatten(values))
    kept = []
    for i, output in enumerate(keras.tree.flatten(result)):
        lengths = {N: None, M: None}
        for name, mask in masks.items():
            lengths[inputs[name].shape[1]] = mask
        is_sequence = i < count and len(output.shape) >= 3
        kept.append(lengths.get(output.shape[1]) if is_sequence else None)
    return kept


@every_masked_case
@pytest.mark.parametrize("compiled", [False, True])
def test_attached_masks_are_used_and_passed_on(case, compiled):
    masks, layer = case.masks(), made(str(case))
    inputs = pad(case.inputs(), masks, np.nan)
    found, carried = call_with_attached(layer, inputs, masks, {}, compiled)
    assert_near(found, expected(str(case))[0])
    for mask, kept in zip(
        carried, kept_masks(case, layer, inputs, masks), strict=True
    ):
        assert (mask is None) == (kept is None)
        if kept is not None:
            np.testing.assert_array_equal(mask, kept == 1)


@every_masked_case
def test_an_explicit_mask_takes_precedence_and_is_passed_on(case):
    masks, layer = case.masks(), made(str(case))
    inputs = pad(case.inputs(), masks, np.nan)
    others = {name: np.zeros_like(mask) for name, mask in masks.items()}
    found, carried = call_with_attached(
        layer, inputs, others, with_masks(masks), compiled=False
    )
    assert_near(found, expected(str(case))[0])
    for mask, kept in zip(
        carried, kept_masks(case, layer, inputs, masks), strict=True
    ):
        assert (mask is None) == (kept is None)
        if kept is not None:
            np.testing.assert_array_equal(mask, kept == 1)


@every_masked_case
@pytest.mark.parametrize("dtype", ["bool", "float32"])
def test_masks_may_be_bool_int_and_float(case, dtype):
    masks = {name: mask.astype(dtype) for name, mask in case.masks().items()}
    outputs = flat(made(str(case))(**zeroed(case), **with_masks(masks)))
    assert_near(outputs, expected(str(case))[0])


@every_masked_case
@pytest.mark.parametrize("value", [0.5, np.nan, 2.0], ids=str)
def test_a_float_mask_of_other_values_than_0_and_1_is_refused(case, value):
    for name, mask in case.masks().items():
        wrong = mask.astype("float32")
        wrong.flat[1] = value
        with pytest.raises(
            ValueError, match=f"`{name}_mask` must be 0 at padding and 1"
        ):
            made(str(case))(**zeroed(case), **with_masks({name: wrong}))


@every_masked_case
def test_a_mask_of_another_shape_is_refused(case):
    for name, mask in case.masks().items():
        longer = np.concatenate([mask, mask[:, :1]], axis=1)
        for wrong in (longer, mask[:, :1], mask[:1], mask[..., None], mask[0]):
            with pytest.raises(
                ValueError, match=f"`{name}_mask` must have shape"
            ):
                made(str(case))(**zeroed(case), **with_masks({name: wrong}))


@every_case
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_inputs_of_deviation_1000_give_finite_outputs_in_half(case, policy):
    half = type(made(str(case))).from_config(
        {**made(str(case)).get_config(), "dtype": policy}
    )
    inputs = {
        name: keras.tree.map_structure(
            lambda a: a * np.asarray(1000, a.dtype), value
        )
        if name not in ("token_ids", "probabilities")
        else value
        for name, value in zeroed(case).items()
    }
    assert_finite(half(**inputs))
    half.set_weights(made(str(case)).get_weights())
    outputs = half(**inputs, **with_masks(case.masks()))
    assert_finite(outputs)
    for output in keras.tree.flatten(outputs):
        dtype = keras.backend.standardize_dtype(output.dtype)
        assert dtype in (half.compute_dtype, "float32", "int32")


@contextlib.contextmanager
def float64():
    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    try:
        with contextlib.ExitStack() as stack:
            if BACKEND == "jax":  # without it, JAX makes float32 of float64
                import jax

                stack.enter_context(jax.enable_x64(True))
            yield
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)


def floats(outputs):
    return [
        ops.convert_to_numpy(t)
        for t in keras.tree.flatten(outputs)
        if "float" in keras.backend.standardize_dtype(t.dtype)
    ]


@every_case
def test_float64_is_computed_in_float64(case):
    masks = with_masks(case.masks())
    wanted = floats(made(str(case))(**zeroed(case), **masks))
    weights = made(str(case)).get_weights()
    rng = np.random.default_rng(3)

    def nudge(array):  # below the resolution of float32
        array = np.asarray(array)
        if array.dtype.kind != "f":
            return array
        return array.astype("float64") * (
            1 + 1e-11 * rng.normal(size=array.shape)
        )

    with float64():
        layer = case.layer_class(**case.arguments)
        assert layer.compute_dtype == "float64"
        layer(**zeroed(case))
        results = []
        for change in (lambda array: array, nudge):
            layer.set_weights([change(weight) for weight in weights])
            inputs = keras.tree.map_structure(change, zeroed(case))
            results.append(floats(layer(**inputs, **masks)))
    exact, nudged = results
    assert {array.dtype.name for array in exact} == {"float64"}
    assert_near(exact, wanted)
    for a, b in zip(exact, nudged, strict=True):
        assert np.abs(a - b).max() < 1e-8
    assert np.abs(exact[0] - nudged[0]).max() > 0


@every_masked_case
def test_padding_alone_gives_finite_outputs_and_gradients(case):
    masks = {n: np.zeros_like(mask) for n, mask in case.masks().items()}
    outputs, by_input, by_weight = outputs_and_gradients(
        made(str(case)),
        pad(case.inputs(), masks, np.nan),
        factors_of(expected(str(case))[0]),
        **with_masks(masks),
    )
    for arrays in (outputs, by_input, by_weight):
        assert_finite(arrays)
    for name in masks:
        if name in by_input:
            assert (by_input[name] == 0).all()


@every_case
def test_one_word_and_one_region_give_finite_outputs(case):
    def first(name, value):
        if name == "grids":
            return [value[0][:, :2, :2], value[1][:, :1, :1]]
        if name in ("question", "image"):
            return value
        return value[:, :1, :1] if case.on_grid else value[:, :1]

    inputs = {name: first(name, value) for name, value in case.inputs().items()}
    masks = {name: first(name, mask) for name, mask in case.masks().items()}
    layer = made(str(case))
    if case.name == "GridPositionEncoding":
        layer = case.layer_class(grid_shape=(1, 1))
    assert_finite(layer(**inputs))
    assert_finite(layer(**pad(inputs, masks, np.inf), **with_masks(masks)))


# TensorFlow refuses to add a bias in an empty LSTM or convolution.
NEVER_EMPTY = {
    "tensorflow": {"BiLSTMContextualizer", "PhraseEncoder", "QuestionEncoder"}
}


@every_case
def test_an_empty_batch_gives_an_empty_batch(case):
    if case.name in NEVER_EMPTY.get(BACKEND, ()):
        pytest.skip("The backend has no empty LSTM or convolution.")

    def none(value):
        return keras.tree.map_structure(lambda array: array[:0], value)

    layer = made(str(case))
    masks = with_masks(case.masks())
    for chosen in ({}, masks):
        outputs = keras.tree.flatten(
            layer(**none(case.inputs()), **none(chosen))
        )
        for output, full in zip(outputs, expected(str(case))[0], strict=True):
            assert tuple(output.shape) == (0, *full.shape[1:])
