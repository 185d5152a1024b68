import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import ChannelAttention

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


def expected_by_loops(question, regions, mask):
    attended = np.zeros(regions.shape)
    weights = np.zeros(question.shape)
    width = question.shape[1]
    for b in range(len(question)):
        valid = np.flatnonzero(mask[b])
        if len(valid) == 0:
            continue
        for c in range(width):
            pooled = sum(float(regions[b, m, c]) for m in valid) / len(valid)
            weights[b, c] = np.exp(question[b, c] * pooled)
        weights[b] /= weights[b].sum()
        for m in valid:
            attended[b, m] = regions[b, m] * width * weights[b]
    return attended, weights


def test_keeps_the_layer_contract(check_layer, inputs):
    check_layer(ChannelAttention(), inputs | {"regions_mask": MASK})
    check_layer(ChannelAttention(), inputs)


@pytest.mark.parametrize("mask", [MASK, None])
def test_matches_the_formula(inputs, mask):
    results = attend(ChannelAttention(), **inputs, regions_mask=mask)
    expected = expected_by_loops(
        **inputs, mask=np.ones_like(MASK) if mask is None else mask
    )
    for a, b in zip(results, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_uniform_weights_leave_the_regions_unchanged(inputs):
    inputs["question"][:] = 0.0
    regions, weights = attend(ChannelAttention(), **inputs)
    np.testing.assert_allclose(weights, 1 / 5, atol=1e-6)
    np.testing.assert_allclose(regions, inputs["regions"], atol=1e-5)


def test_order_of_regions_does_not_matter(inputs):
    regions, weights = attend(ChannelAttention(), **inputs)
    inputs["regions"] = inputs["regions"][:, ::-1]
    flipped, again = attend(ChannelAttention(), **inputs)
    np.testing.assert_allclose(again, weights, atol=1e-6)
    np.testing.assert_allclose(flipped, regions[:, ::-1], atol=1e-5)


@pytest.mark.parametrize("dtype", ["bool", "int32"])
def test_padding_has_no_influence(inputs, dtype):
    layer = ChannelAttention()
    expected = attend(layer, **inputs, regions_mask=MASK.astype(dtype))
    inputs["regions"][MASK == 0] = 1e3
    inputs["regions"] = np.pad(inputs["regions"], [(0, 0), (0, 3), (0, 0)])
    mask = np.pad(MASK, [(0, 0), (0, 3)]).astype(dtype)
    regions, weights = attend(layer, **inputs, regions_mask=mask)

    assert (regions[mask == 0] == 0).all()
    assert (weights[1] == 0).all()
    np.testing.assert_allclose(regions[:, :4], expected[0], atol=1e-5)
    np.testing.assert_allclose(weights, expected[1], atol=1e-6)
    np.testing.assert_allclose(weights[[0, 2]].sum(axis=-1), 1, rtol=1e-6)


def test_padding_of_nan_has_no_influence(inputs):
    expected = attend(ChannelAttention(), **inputs, regions_mask=MASK)
    inputs["regions"][MASK == 0] = np.nan
    results = attend(ChannelAttention(), **inputs, regions_mask=MASK)
    for a, b in zip(results, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_large_grid_does_not_overflow_in_float16():
    question = np.ones((1, 5), "float16")
    regions = np.full((1, 196, 5), 500.0, "float16")
    layer = ChannelAttention(dtype="mixed_float16")
    attended, weights = attend(layer, question=question, regions=regions)
    assert weights.dtype == "float32"
    np.testing.assert_allclose(weights, 1 / 5, atol=1e-6)
    np.testing.assert_allclose(attended, 500.0, rtol=1e-3)


def test_rejects_what_cannot_be_compared(inputs):
    question, regions = inputs["question"], inputs["regions"]
    with pytest.raises(
        ValueError, match=r"same width.*regions.shape=\(3, 4, 3"
    ):
        ChannelAttention()(question, regions[..., :3])
    with pytest.raises(ValueError, match="flatten a CNN grid first"):
        ChannelAttention()(question, regions[:, None])
    with pytest.raises(ValueError, match=r"question.shape=\(3, 1, 5"):
        ChannelAttention()(question[:, None], regions)
    with pytest.raises(ValueError, match=r"here \(3, 4\).*mask.shape=\(3, 3\)"):
        ChannelAttention()(question, regions, regions_mask=MASK[:, :3])
