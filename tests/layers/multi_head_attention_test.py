import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import MultiHeadAttention

QUERY_MASK = np.array([[1, 1, 0], [1, 1, 1], [1, 1, 1]], "int32")
CONTEXT_MASK = np.array([[1, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]], "int32")
MASKS = {"query_mask": QUERY_MASK, "context_mask": CONTEXT_MASK}


@pytest.fixture
def inputs():
    rng = np.random.default_rng(0)
    return {
        "query": rng.normal(size=(3, 3, 6)).astype("float32"),
        "context": rng.normal(size=(3, 4, 5)).astype("float32"),
    }


@pytest.fixture
def layer():
    """Three heads of two units, every weight and bias random."""
    layer = MultiHeadAttention(3)
    layer.build((None, 3, 6), (None, 4, 5))
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.weights])
    return layer


def attend(layer, **inputs):
    return [ops.convert_to_numpy(t) for t in layer(**inputs)]


def expected_by_loops(layer, query, context, num_heads):
    """The formula, one example, head and pair of positions at a time."""

    def project(name, x):
        (kernel,), (bias,) = (
            [
                ops.convert_to_numpy(w)
                for w in layer.weights
                if w.path.endswith(f"{name}_dense/{part}")
            ]
            for part in ("kernel", "bias")
        )
        return x @ kernel + bias

    filtered = np.zeros(query.shape)
    weights = np.zeros(
        (len(query), num_heads, query.shape[1], context.shape[1])
    )
    size = query.shape[-1] // num_heads
    for b in range(len(query)):
        keep = np.flatnonzero(CONTEXT_MASK[b])
        for p in np.flatnonzero(QUERY_MASK[b]):
            found = []
            for h in range(num_heads):
                part = slice(h * size, (h + 1) * size)
                q = project("query", query[b, p])[part]
                keys = [project("key", context[b, m])[part] for m in keep]
                values = [project("value", context[b, m])[part] for m in keep]
                exps = [np.exp(q @ k / np.sqrt(size)) for k in keys]
                for m, value in zip(keep, exps, strict=True):
                    weights[b, h, p, m] = value / sum(exps)
                found += [weights[b, h, p, keep] @ values] if len(keep) else []
            if len(keep):
                filtered[b, p] = project("output", np.concatenate(found))
    return filtered, weights


@pytest.mark.parametrize("masks", [{}, MASKS])
def test_keeps_the_layer_contract(check_layer, inputs, masks):
    layer = MultiHeadAttention(2, dropout=0.1)
    check_layer(layer, inputs | masks, untrained=["key_dense/bias"])


def test_matches_the_published_formula(layer, inputs):
    filtered, weights = attend(layer, **inputs, **MASKS)
    expected, expected_weights = expected_by_loops(layer, **inputs, num_heads=3)
    np.testing.assert_allclose(weights, expected_weights, atol=1e-5)
    np.testing.assert_allclose(filtered, expected, atol=1e-5)


def test_equals_the_layer_of_keras(layer, inputs):
    twin = keras.layers.MultiHeadAttention(3, 2)
    twin.build((None, 3, 6), (None, 4, 5))
    twin.set_weights(
        [
            np.reshape(own, weight.shape)
            for own, weight in zip(
                layer.get_weights(), twin.weights, strict=True
            )
        ]
    )
    expected = twin(
        inputs["query"], inputs["context"], return_attention_scores=True
    )
    for found, other in zip(attend(layer, **inputs), expected, strict=True):
        np.testing.assert_allclose(
            found, ops.convert_to_numpy(other), atol=1e-5
        )


@pytest.mark.parametrize("padding", [1e3, np.nan])
@pytest.mark.parametrize("dtype", ["bool", "int32"])
def test_padding_has_no_influence(layer, inputs, dtype, padding):
    masks = {name: mask.astype(dtype) for name, mask in MASKS.items()}
    outputs = attend(layer, **inputs, **masks)
    inputs["query"][QUERY_MASK == 0] = padding
    inputs["context"][CONTEXT_MASK == 0] = padding
    again = attend(layer, **inputs, **masks)
    for output, other in zip(outputs, again, strict=True):
        np.testing.assert_allclose(other, output, atol=1e-6)

    filtered, weights = outputs
    asking = (QUERY_MASK * CONTEXT_MASK.any(axis=1)[:, None])[:, None]
    np.testing.assert_allclose(weights.sum(axis=-1) - asking, 0, atol=1e-6)
    assert (filtered[asking[:, 0] == 0] == 0).all()


def test_weights_stay_float32_in_mixed_precision(inputs):
    layer = MultiHeadAttention(3, dtype="mixed_bfloat16")
    filtered, weights = layer(**inputs)
    assert keras.backend.standardize_dtype(filtered.dtype) == "bfloat16"
    assert keras.backend.standardize_dtype(weights.dtype) == "float32"


def test_scores_beyond_float16_stay_finite(inputs):
    layer = MultiHeadAttention(3, dtype="mixed_float16")
    inputs["query"] *= 300
    filtered, weights = attend(layer, **inputs, **MASKS)
    assert np.isfinite(filtered).all()
    assert np.isfinite(weights).all()


def test_weight_paths_name_the_projection(layer):
    paths = [w.path.split("/", 1)[1] for w in layer.weights]
    assert paths == [
        f"{name}_dense/{part}"
        for name in ("query", "key", "value", "output")
        for part in ("kernel", "bias")
    ]


def test_rejects_heads_that_do_not_divide_the_width(inputs):
    with pytest.raises(ValueError, match=r"must divide.*num_heads=4"):
        MultiHeadAttention(4)(**inputs)
    with pytest.raises(ValueError, match="`num_heads` must.* Received: 0"):
        MultiHeadAttention(0)


def test_rejects_an_unflattened_grid(inputs):
    grid = inputs["context"].reshape(3, 2, 2, 5)
    with pytest.raises(ValueError, match="`context` must have shape"):
        MultiHeadAttention(3)(inputs["query"], grid)
