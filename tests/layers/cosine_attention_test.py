import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import CosineAttention

MASK = np.array([[1, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]], "int32")


@pytest.fixture
def inputs():
    rng = np.random.default_rng(0)
    return {
        "question": rng.normal(size=(3, 5)).astype("float32"),
        "regions": rng.normal(size=(3, 4, 5)).astype("float32"),
    }


def attend(layer, **inputs):
    return [ops.convert_to_numpy(t) for t in layer(**inputs)]


def expected_by_loops(layer, question, regions, mask):
    filtered = np.zeros(question.shape)
    weights = np.zeros(mask.shape)
    for b in range(len(question)):
        for m in np.flatnonzero(mask[b]):
            score = question[b].astype("float64") @ regions[b, m]
            if layer.normalize:
                lengths = np.linalg.norm(question[b]) * np.linalg.norm(
                    regions[b, m]
                )
                score *= layer.temperature / lengths
            weights[b, m] = np.exp(score)
        weights[b] /= max(weights[b].sum(), 1e-300)
        filtered[b] = weights[b] @ regions[b]
    return filtered, weights


@pytest.mark.parametrize("normalize", [False, True])
def test_keeps_the_layer_contract(check_layer, inputs, normalize):
    layer = CosineAttention(normalize, temperature=3.0)
    check_layer(layer, inputs | {"regions_mask": MASK})
    check_layer(layer, inputs)


@pytest.mark.parametrize("normalize", [False, True])
def test_matches_the_formula(inputs, normalize):
    layer = CosineAttention(normalize, temperature=3.0)
    results = attend(layer, **inputs, regions_mask=MASK)
    expected = expected_by_loops(layer, **inputs, mask=MASK)
    for a, b in zip(results, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert layer.count_params() == 0


def test_length_counts_in_the_dot_product_but_not_in_the_cosine(inputs):
    longer = inputs | {"regions": inputs["regions"] * [[[1], [2], [3], [4]]]}
    for normalize in (False, True):
        _, weights = attend(CosineAttention(normalize), **inputs)
        _, again = attend(CosineAttention(normalize), **longer)
        assert (np.abs(weights - again).max() < 1e-5) == normalize


def test_a_cosine_of_temperature_1_cannot_single_out_a_region():
    question = np.array([[1.0, 0.0]], "float32")
    regions = np.repeat([[[-1.0, 0.0]]], 196, axis=1).astype("float32")
    regions[0, 7] = [1.0, 0.0]
    _, weights = attend(
        CosineAttention(True, 1.0), question=question, regions=regions
    )
    np.testing.assert_allclose(weights[0, 7], 0.0365, atol=1e-4)
    _, weights = attend(
        CosineAttention(True), question=question, regions=regions
    )
    assert weights[0, 7] > 0.99


def test_order_of_regions_does_not_matter(inputs):
    layer = CosineAttention()
    filtered, weights = attend(layer, **inputs)
    inputs["regions"] = inputs["regions"][:, ::-1]
    again, flipped = attend(layer, **inputs)
    np.testing.assert_allclose(again, filtered, atol=1e-5)
    np.testing.assert_allclose(flipped, weights[:, ::-1], atol=1e-5)


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("dtype", ["bool", "int32"])
def test_padding_has_no_influence(inputs, dtype, normalize):
    layer = CosineAttention(normalize)
    results = attend(layer, **inputs, regions_mask=MASK.astype(dtype))
    inputs["regions"][MASK == 0] = 1e3
    inputs["regions"] = np.pad(inputs["regions"], [(0, 0), (0, 3), (0, 0)])
    mask = np.pad(MASK, [(0, 0), (0, 3)]).astype(dtype)
    filtered, weights = attend(layer, **inputs, regions_mask=mask)

    assert (weights[mask == 0] == 0).all()
    assert (filtered[1] == 0).all()
    np.testing.assert_allclose(weights[[0, 2]].sum(axis=-1), 1, rtol=1e-6)
    np.testing.assert_allclose(filtered, results[0], atol=1e-5)
    np.testing.assert_allclose(weights[:, :4], results[1], atol=1e-5)


@pytest.mark.parametrize("normalize", [False, True])
def test_padding_of_nan_has_no_influence(inputs, normalize):
    layer = CosineAttention(normalize)
    expected = attend(layer, **inputs, regions_mask=MASK)
    inputs["regions"][MASK == 0] = np.nan
    results = attend(layer, **inputs, regions_mask=MASK)
    for a, b in zip(results, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("normalize", [False, True])
def test_long_vectors_and_zeros_are_safe_in_float16(normalize):
    question = np.array([[200.0] * 8, [0.0] * 8], "float16")
    regions = np.stack([question, question[::-1]], axis=1)
    layer = CosineAttention(normalize, dtype="mixed_float16")
    filtered, weights = attend(layer, question=question, regions=regions)
    assert weights.dtype == "float32"
    np.testing.assert_allclose(weights, [[1, 0], [0.5, 0.5]], atol=1e-3)
    assert np.isfinite(filtered).all()


def test_vectors_of_zeros_have_a_finite_gradient(inputs):
    if keras.config.backend() == "numpy":
        pytest.skip("NumPy has no gradients.")
    inputs["regions"][:, 2] = 0.0
    regions = keras.Input((4, 5))
    projected = keras.layers.Dense(5, use_bias=False)(regions)
    outputs = CosineAttention(True)(projected[:, 2], projected)
    model = keras.Model(regions, outputs[0])
    model.compile(keras.optimizers.SGD(1.0), "mse")
    model.train_on_batch(inputs["regions"], inputs["question"])
    assert np.isfinite(model.get_weights()[0]).all()


def test_rejects_what_cannot_be_compared(inputs):
    question, regions = inputs["question"], inputs["regions"]
    with pytest.raises(
        ValueError, match=r"same width.*regions.shape=\(3, 4, 3"
    ):
        CosineAttention()(question, regions[..., :3])
    with pytest.raises(ValueError, match="flatten a CNN grid first"):
        CosineAttention()(question, regions[:, None])
    with pytest.raises(ValueError, match=r"question.shape=\(3, 1, 5"):
        CosineAttention()(question[:, None], regions)
    with pytest.raises(ValueError, match="`regions_mask` must have"):
        CosineAttention()(question, regions, regions_mask=MASK[:, :3])
    with pytest.raises(ValueError, match="`temperature` must.* Received: 0"):
        CosineAttention(temperature=0)
