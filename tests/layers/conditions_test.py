"""Every layer under every condition that Keras allows, on every backend.

`tests/fixtures/every_layer.py` has the layers. The last line of output counts
layers and conditions:

    python -m pytest tests/layers/conditions_test.py
"""

import inspect

import keras
import numpy as np
import pytest

from tests.fixtures.every_layer import ARGUMENTS
from tests.fixtures.every_layer import CASES
from tests.fixtures.every_layer import D
from tests.fixtures.every_layer import flat
from tests.fixtures.every_layer import pad
from tests.fixtures.every_layer import with_masks
from tests.fixtures.gradients import outputs_and_gradients
from tests.fixtures.layer_conditions import append_padding
from tests.fixtures.layer_conditions import assert_carried
from tests.fixtures.layer_conditions import assert_finite
from tests.fixtures.layer_conditions import assert_near
from tests.fixtures.layer_conditions import call_with_attached
from tests.fixtures.layer_conditions import cut
from tests.fixtures.layer_conditions import expected
from tests.fixtures.layer_conditions import factors_of
from tests.fixtures.layer_conditions import float64
from tests.fixtures.layer_conditions import floats
from tests.fixtures.layer_conditions import grow
from tests.fixtures.layer_conditions import made
from tests.fixtures.layer_conditions import nudge
from tests.fixtures.layer_conditions import zeroed
from vqa_keras import layers

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
    longer, masks = append_padding(case, inputs)
    outputs = flat(layer(**inputs))
    factors = factors_of(outputs)
    outputs, by_input, by_weight = outputs_and_gradients(layer, inputs, factors)
    more = flat(layer(**longer, **with_masks(masks)))
    found, by_longer, by_weight_again = outputs_and_gradients(
        layer, longer, grow(factors, more), **with_masks(masks)
    )
    assert_near(cut(found, outputs), outputs)
    assert_near(cut(by_longer, by_input), by_input)
    assert_near(by_weight_again, by_weight)


@every_masked_case
@pytest.mark.parametrize("compiled", [False, True])
def test_attached_masks_are_used_and_passed_on(case, compiled):
    masks, layer = case.masks(), made(str(case))
    inputs = pad(case.inputs(), masks, np.nan)
    found, carried = call_with_attached(layer, inputs, masks, {}, compiled)
    assert_near(found, expected(str(case))[0])
    assert_carried(carried, layer, inputs, masks)


@every_masked_case
def test_an_explicit_mask_takes_precedence_and_is_passed_on(case):
    masks, layer = case.masks(), made(str(case))
    inputs = pad(case.inputs(), masks, np.nan)
    others = {name: np.zeros_like(mask) for name, mask in masks.items()}
    found, carried = call_with_attached(
        layer, inputs, others, with_masks(masks), compiled=False
    )
    assert_near(found, expected(str(case))[0])
    assert_carried(carried, layer, inputs, masks)


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


@every_case
def test_floatx_float64_is_computed_and_in_float64_on_tensorflow(case):
    masks = with_masks(case.masks())
    wanted = floats(made(str(case))(**zeroed(case), **masks))
    weights = made(str(case)).get_weights()

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
    assert_near(exact, wanted)
    if BACKEND != "tensorflow":
        return  # Keras's operations turn float64 into float32 there.
    assert {array.dtype.name for array in exact} == {"float64"}
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


# TensorFlow adds no bias in an empty LSTM or convolution, JAX runs no empty
# LSTM, and Keras takes no maximum of an empty tensor on TensorFlow and torch.
NEVER_EMPTY = {
    "tensorflow": [
        "BiLSTMContextualizer",
        "ConceptDetector",
        "JointCoAttention()",
        "PhraseEncoder",
        "QuestionEncoder",
    ],
    "jax": ["BiLSTMContextualizer", "QuestionEncoder"],
    "torch": ["ConceptDetector", "JointCoAttention()"],
}


@every_case
def test_an_empty_batch_gives_an_empty_batch(case):
    if str(case).startswith(tuple(NEVER_EMPTY.get(BACKEND, ()))):
        pytest.skip("An operation of the backend refuses an empty batch.")

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
