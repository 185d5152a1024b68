"""The contract of layers that attend to words and regions in several hops."""

import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import DualAttention
from vqa_keras.layers import IndependentCoAttention
from vqa_keras.layers import JointlyConditionedCoAttention

WORDS_MASK = np.array(
    [[1, 1, 1, 0, 0], [1, 1, 0, 0, 0], [1] * 5, [0] * 5], "int32"
)
REGIONS_MASK = np.array([[1, 1, 0], [0, 0, 0], [1, 1, 1], [1, 0, 0]], "int32")
MASKS = {"words_mask": WORDS_MASK, "regions_mask": REGIONS_MASK}
every_layer = pytest.mark.parametrize(
    "layer_class",
    [DualAttention, IndependentCoAttention, JointlyConditionedCoAttention],
)


@pytest.fixture
def inputs(layer_class):
    rng = np.random.default_rng(0)
    shapes = {"question": (4, 6), "words": (4, 5, 6), "regions": (4, 3, 6)}
    if layer_class is DualAttention:
        del shapes["question"]
    return {
        name: rng.normal(size=shape).astype("float32")
        for name, shape in shapes.items()
    }


def attend(layer, **inputs):
    outputs = keras.tree.flatten(layer(**inputs))
    return [ops.convert_to_numpy(t) for t in outputs]


def make_layer(layer_class, inputs, **arguments):
    """A layer whose weights, biases included, are all random."""
    layer = layer_class(4, **arguments)
    layer(**inputs)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.weights])
    return layer


@every_layer
@pytest.mark.parametrize("dtype", ["bool", "int32"])
def test_padding_has_no_influence(layer_class, inputs, dtype):
    layer = make_layer(layer_class, inputs, num_hops=2)
    *states, words, regions = attend(layer, **inputs, **MASKS)
    longer = dict(inputs)
    for name, mask in [("words", WORDS_MASK), ("regions", REGIONS_MASK)]:
        padded = np.where(mask[..., None] == 1, inputs[name], 1e3)
        longer[name] = np.pad(
            padded, [(0, 0), (0, 2), (0, 0)], constant_values=1e3
        ).astype("float32")
        longer[f"{name}_mask"] = np.pad(mask, [(0, 0), (0, 2)]).astype(dtype)
    *again, words_again, regions_again = attend(layer, **longer)
    for state, same in zip(states, again, strict=True):
        np.testing.assert_allclose(same, state, atol=1e-5)
    for weights, same in [(words, words_again), (regions, regions_again)]:
        np.testing.assert_allclose(same[..., :-2], weights, atol=1e-6)
        assert (same[..., -2:] == 0).all()


@every_layer
def test_padding_of_nan_has_no_influence(layer_class, inputs):
    layer = make_layer(layer_class, inputs, num_hops=2)
    outputs = attend(layer, **inputs, **MASKS)
    for side in ("words", "regions"):
        inputs[side][MASKS[f"{side}_mask"] == 0] = np.nan
    for output, expected in zip(
        attend(layer, **inputs, **MASKS), outputs, strict=True
    ):
        np.testing.assert_array_equal(output, expected)


@every_layer
def test_order_of_words_and_of_regions_does_not_matter(layer_class, inputs):
    layer = make_layer(layer_class, inputs, num_hops=2)
    *states, words, regions = attend(layer, **inputs, **MASKS)
    flipped = {
        name: array if name == "question" else array[:, ::-1]
        for name, array in {**inputs, **MASKS}.items()
    }
    *again, words_again, regions_again = attend(layer, **flipped)
    for state, same in zip(states, again, strict=True):
        np.testing.assert_allclose(same, state, atol=1e-5)
    np.testing.assert_allclose(words_again, words[..., ::-1], atol=1e-6)
    np.testing.assert_allclose(regions_again, regions[..., ::-1], atol=1e-6)


@every_layer
def test_takes_the_masks_attached_to_words_and_regions(layer_class, inputs):
    layer = make_layer(layer_class, inputs)
    for name, end in [("words", -2), ("regions", -1)]:
        inputs[name][:, end:] = 0.0
    attached = {
        name: array if name == "question" else keras.layers.Masking()(array)
        for name, array in inputs.items()
    }
    masks = {
        name: np.any(inputs[name.removesuffix("_mask")] != 0, axis=-1)
        for name in MASKS
    }
    for a, b in zip(
        attend(layer, **attached),
        attend(layer, **inputs, **masks),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


@every_layer
def test_weights_stay_float32_in_mixed_precision(layer_class, inputs):
    layer = layer_class(4, dtype="mixed_bfloat16")
    *_, words, regions = attend(layer, **inputs, **MASKS)
    for weights, mask in [(words, WORDS_MASK), (regions, REGIONS_MASK)]:
        assert weights.dtype == "float32"
        expected = np.repeat(mask.any(axis=1)[:, None], weights.shape[1], 1)
        np.testing.assert_allclose(weights.sum(axis=-1), expected, rtol=1e-6)


@every_layer
def test_rejects_no_hops_and_an_empty_attention_space(layer_class):
    with pytest.raises(ValueError, match="`num_hops` must.* Received: 0"):
        layer_class(4, num_hops=0)
    with pytest.raises(ValueError, match="`attention_dim` must.* Received: 0"):
        layer_class(0)
