import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import SemanticAttention

# The second row has padding only, the third one concept of probability 0.
MASK = np.array([[1, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]], "int32")


@pytest.fixture
def inputs():
    rng = np.random.default_rng(0)
    probabilities = rng.uniform(0.05, 1.0, (3, 4))
    probabilities[2, 1] = 0.0
    return {
        "question": rng.normal(size=(3, 7)).astype("float32"),
        "concepts": rng.normal(size=(3, 4, 5)).astype("float32"),
        "probabilities": probabilities.astype("float32"),
    }


def attend(layer, **inputs):
    return [ops.convert_to_numpy(t) for t in layer(**inputs)]


def randomized(layer, inputs):
    """Gives every weight, biases included, a random value."""
    layer(**inputs)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.weights])
    return layer


def expected_by_loops(layer, question, concepts, probabilities, mask):
    w = {
        w.path.split("/", 1)[1]: ops.convert_to_numpy(w).astype("float64")
        for w in layer.weights
    }
    filtered = np.zeros((3, 5))
    weights = np.zeros((3, 4))
    for b in range(3):
        asked = question[b] @ w["question_dense/kernel"]
        asked = asked + w["question_dense/bias"]
        meanings = np.zeros((4, 5))
        for c in range(4):
            meanings[c] = np.tanh(
                concepts[b, c] @ w["embedding_dense/kernel"]
                + w["embedding_dense/bias"]
            )
            seen = meanings[c] @ w["concepts_dense/kernel"]
            score = np.tanh(seen + asked) @ w["score_dense/kernel"]
            is_there = mask[b, c] and probabilities[b, c] > 0
            # exp(s + log(p)) without a logarithm.
            weights[b, c] = is_there * probabilities[b, c] * np.exp(score[0])
        weights[b] /= max(weights[b].sum(), 1e-300)
        filtered[b] = weights[b] @ meanings
    return filtered, weights


def test_keeps_the_layer_contract(check_layer, inputs):
    layer = SemanticAttention(6)
    check_layer(layer, inputs | {"concepts_mask": MASK})


def test_matches_the_formula(inputs):
    layer = randomized(SemanticAttention(6), inputs)
    for mask in (MASK, np.ones_like(MASK)):
        results = attend(layer, **inputs, concepts_mask=mask)
        expected = expected_by_loops(layer, **inputs, mask=mask)
        for a, b in zip(results, expected, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)


def test_order_of_concepts_does_not_matter(inputs):
    layer = randomized(SemanticAttention(6), inputs)
    filtered, weights = attend(layer, **inputs, concepts_mask=MASK)
    for name in ("concepts", "probabilities"):
        inputs[name] = inputs[name][:, ::-1]
    again, flipped = attend(layer, **inputs, concepts_mask=MASK[:, ::-1])
    np.testing.assert_allclose(again, filtered, atol=1e-5)
    np.testing.assert_allclose(flipped, weights[:, ::-1], atol=1e-5)


def test_without_scores_the_weights_are_the_normalized_probabilities(inputs):
    layer = randomized(SemanticAttention(6), inputs)
    layer.score_dense.kernel.assign(np.zeros((6, 1)))
    _, weights = attend(layer, **inputs)
    expected = inputs["probabilities"]
    expected = expected / expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(weights, expected, atol=1e-5)


@pytest.mark.parametrize("dtype", ["bool", "int32"])
def test_padding_has_no_influence(inputs, dtype):
    layer = randomized(SemanticAttention(6), inputs)
    results = attend(layer, **inputs, concepts_mask=MASK.astype(dtype))
    inputs["concepts"][MASK == 0] = 1e3
    inputs["probabilities"][MASK == 0] = 1.0
    inputs["concepts"] = np.pad(inputs["concepts"], [(0, 0), (0, 2), (0, 0)])
    inputs["probabilities"] = np.pad(
        inputs["probabilities"], [(0, 0), (0, 2)], constant_values=1.0
    )
    mask = np.pad(MASK, [(0, 0), (0, 2)]).astype(dtype)
    filtered, weights = attend(layer, **inputs, concepts_mask=mask)
    np.testing.assert_allclose(filtered, results[0], atol=1e-5)
    np.testing.assert_allclose(weights[:, :4], results[1], atol=1e-5)
    assert (weights[mask == 0] == 0).all()
    np.testing.assert_allclose(weights[[0, 2]].sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("name", ["concepts", "probabilities"])
def test_padding_of_nan_has_no_influence(inputs, name):
    layer = randomized(SemanticAttention(6), inputs)
    expected = attend(layer, **inputs, concepts_mask=MASK)
    inputs[name][MASK == 0] = np.nan
    results = attend(layer, **inputs, concepts_mask=MASK)
    for a, b in zip(results, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_image_that_shows_no_concept_gives_zeros(inputs):
    inputs["probabilities"][0] = 0.0
    layer = randomized(SemanticAttention(6), inputs)
    filtered, weights = attend(layer, **inputs, concepts_mask=MASK)
    assert (weights[:2] == 0).all()
    assert (filtered[:2] == 0).all()
    assert weights[2, 1] == 0


def test_parameters_are_those_of_the_formula():
    layer = SemanticAttention(6)
    layer.build((None, 7), (None, 4, 5), (None, 4))
    assert layer.count_params() == (5 * 5 + 5) + 5 * 6 + (7 * 6 + 6) + 6


def test_rejects_what_does_not_fit(inputs):
    question, concepts, probabilities = inputs.values()
    layer = SemanticAttention
    with pytest.raises(ValueError, match="`attention_dim` must.* Received: 0"):
        layer(0)
    with pytest.raises(ValueError, match=r"question.shape=\(3, 1, 7\)"):
        layer(6)(question[:, None], concepts, probabilities)
    with pytest.raises(ValueError, match=r"concepts.shape=\(3, 5\)"):
        layer(6)(question, concepts[:, 0], probabilities)
    with pytest.raises(ValueError, match=r"probabilities.shape=\(3, 3\)"):
        layer(6)(question, concepts, probabilities[:, :3])
    with pytest.raises(ValueError, match=r"`concepts_mask` must.*\(3, 3\)"):
        layer(6)(question, concepts, probabilities, concepts_mask=MASK[:, :3])
