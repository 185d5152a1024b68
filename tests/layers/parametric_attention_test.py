import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import ParametricAttention

MASK = np.array([[0, 0, 0, 0], [1, 1, 1, 0]], "int32")


@pytest.fixture
def inputs():
    rng = np.random.default_rng(0)
    return {
        "question": rng.normal(size=(2, 5)).astype("float32"),
        "regions": rng.normal(size=(2, 4, 3)).astype("float32"),
    }


def attend(layer, **inputs):
    return [ops.convert_to_numpy(t) for t in layer(**inputs)]


def randomize(layer):
    """Gives every weight, biases included, a random value."""
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.weights])


def test_keeps_the_layer_contract(check_layer, inputs):
    check_layer(ParametricAttention(attention_dim=6), inputs)


def test_keeps_the_layer_contract_with_padding(check_layer, inputs):
    layer = ParametricAttention(attention_dim=6)
    check_layer(layer, inputs | {"regions_mask": MASK})


def test_matches_the_published_formula(inputs):
    layer = ParametricAttention(attention_dim=6)
    layer(**inputs)
    randomize(layer)
    filtered, weights = attend(layer, **inputs)

    w_question, b_question, w_regions, w_score = layer.get_weights()
    question = inputs["question"] @ w_question + b_question
    hidden = np.tanh(inputs["regions"] @ w_regions + question[:, None])
    scores = (hidden @ w_score)[..., 0]
    expected = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)

    np.testing.assert_allclose(weights, expected, atol=1e-5)
    np.testing.assert_allclose(
        filtered, (expected[..., None] * inputs["regions"]).sum(1), atol=1e-5
    )


def test_question_moves_the_attention(inputs):
    layer = ParametricAttention(attention_dim=6)
    _, weights = attend(layer, **inputs)
    _, other = attend(layer, **inputs | {"question": -inputs["question"]})
    assert np.abs(weights - other).max() > 1e-3


def test_parameters_are_those_of_the_paper():
    d, k = 5, 7
    layer = ParametricAttention(k)
    layer.build((None, d), (None, 4, d))
    assert layer.count_params() == 2 * d * k + 2 * k


def test_order_of_regions_does_not_matter(inputs):
    layer = ParametricAttention(attention_dim=6)
    filtered, weights = attend(layer, **inputs)
    reversed_regions = inputs["regions"][:, ::-1]
    again, flipped = attend(layer, **inputs | {"regions": reversed_regions})
    np.testing.assert_allclose(again, filtered, atol=1e-5)
    np.testing.assert_allclose(flipped, weights[:, ::-1], atol=1e-5)


@pytest.mark.parametrize("dtype", ["bool", "int32"])
def test_padding_has_no_influence(inputs, dtype):
    layer = ParametricAttention(attention_dim=6)
    mask = np.array([[1, 1, 0, 0], [1, 1, 1, 1]], dtype)
    filtered, weights = attend(layer, **inputs, regions_mask=mask)
    inputs["regions"][mask == 0] = 1e3
    again, _ = attend(layer, **inputs, regions_mask=mask)

    assert (weights[mask == 0] == 0).all()
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-6)
    np.testing.assert_allclose(again, filtered, atol=1e-5)


@pytest.mark.parametrize("num_glimpses", [1, 3])
def test_padding_of_nan_has_no_influence(inputs, num_glimpses):
    layer = ParametricAttention(attention_dim=6, num_glimpses=num_glimpses)
    layer(**inputs)
    randomize(layer)
    expected = attend(layer, **inputs, regions_mask=MASK)
    inputs["regions"][MASK == 0] = np.nan
    results = attend(layer, **inputs, regions_mask=MASK)
    for a, b in zip(results, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_image_without_regions_gives_zeros(inputs):
    layer = ParametricAttention(attention_dim=6)
    mask = np.array([[False] * 4, [True] * 4])
    filtered, weights = attend(layer, **inputs, regions_mask=mask)
    assert (weights[0] == 0).all()
    assert (filtered[0] == 0).all()


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_weights_of_a_large_grid_sum_to_one_in_half_precision(policy):
    rng = np.random.default_rng(0)
    layer = ParametricAttention(attention_dim=6, dtype=policy)
    _, weights = attend(
        layer,
        question=rng.normal(size=(2, 5)).astype("float32"),
        regions=rng.normal(size=(2, 196, 3)).astype("float32"),
    )
    assert weights.dtype == "float32"
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-6)


def test_takes_the_mask_attached_to_regions(inputs):
    inputs["regions"][:, -1] = 0.0
    masked = keras.layers.Masking()(inputs["regions"])
    layer = ParametricAttention(attention_dim=6)
    _, weights = attend(layer, question=inputs["question"], regions=masked)
    assert (weights[:, -1] == 0).all()


def test_weights_carry_no_mask_that_would_weigh_a_loss(inputs):
    layer = ParametricAttention(attention_dim=6)
    mask = np.array([[1, 1, 0, 0], [1, 1, 1, 1]], "int32")
    _, weights = layer(**inputs, regions_mask=ops.convert_to_tensor(mask))
    assert getattr(weights, "_keras_mask", None) is None


def test_keeps_the_layer_contract_with_glimpses(check_layer, inputs):
    layer = ParametricAttention(attention_dim=6, num_glimpses=3)
    check_layer(layer, inputs | {"regions_mask": MASK})


def test_each_glimpse_is_an_attention_with_its_own_scores(inputs):
    layer = ParametricAttention(attention_dim=6, num_glimpses=3)
    layer(**inputs)
    randomize(layer)
    mask = np.array([[1, 1, 1, 0], [0, 0, 0, 0]], "int32")
    filtered, weights = attend(layer, **inputs, regions_mask=mask)
    assert weights.shape == (2, 3, 4)
    single = ParametricAttention(attention_dim=6)
    single(**inputs)
    *shared, w_score = layer.get_weights()
    for g in range(3):
        single.set_weights([*shared, w_score[:, [g]]])
        expected = attend(single, **inputs, regions_mask=mask)
        found = filtered[:, 3 * g : 3 * g + 3], weights[:, g]
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)


def test_rejects_an_unflattened_grid(inputs):
    grid = inputs["regions"].reshape(2, 2, 2, 3)
    with pytest.raises(ValueError, match="flatten a CNN grid first"):
        ParametricAttention(attention_dim=6)(inputs["question"], grid)


def test_rejects_words_for_a_question(inputs):
    words = inputs["question"][:, None]
    with pytest.raises(ValueError, match=r"Received: question.shape=\(2, 1, 5"):
        ParametricAttention(attention_dim=6)(words, inputs["regions"])


def test_rejects_an_empty_attention_space():
    with pytest.raises(ValueError, match="at least 1. Received: 0"):
        ParametricAttention(attention_dim=0)


def test_rejects_no_glimpses():
    with pytest.raises(ValueError, match="`num_glimpses` must.* Received: 0"):
        ParametricAttention(attention_dim=6, num_glimpses=0)
