import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import DualAttention

WORDS_MASK = np.array(
    [[1, 1, 1, 0, 0], [1, 1, 0, 0, 0], [1] * 5, [0] * 5], "int32"
)
REGIONS_MASK = np.array([[1, 1, 0], [0, 0, 0], [1, 1, 1], [1, 0, 0]], "int32")
MASKS = {"words_mask": WORDS_MASK, "regions_mask": REGIONS_MASK}


@pytest.fixture
def inputs():
    rng = np.random.default_rng(0)
    shapes = {"words": (4, 5, 6), "regions": (4, 3, 7)}
    return {
        name: rng.normal(size=shape).astype("float32")
        for name, shape in shapes.items()
    }


def attend(layer, **inputs):
    outputs = keras.tree.flatten(layer(**inputs))
    return [ops.convert_to_numpy(t) for t in outputs]


def make_layer(inputs, **arguments):
    """A layer whose weights, biases included, are all random."""
    layer = DualAttention(4, **arguments)
    layer(**inputs)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.weights])
    return layer


def weights_by_path(layer):
    return {
        w.path.removeprefix(f"{layer.name}/"): ops.convert_to_numpy(w)
        for w in layer.weights
    }


def dense(w, name, vector):
    return vector @ w[f"{name}/kernel"] + w[f"{name}/bias"]


def attend_by_loops(w, hop, memory, vectors):
    """Multiplicative attention over the valid vectors of one side."""
    asked = np.tanh(dense(w, f"{hop}/memory_dense", memory))
    exps = [
        np.exp(
            (np.tanh(dense(w, f"{hop}/regions_dense", vector)) * asked)
            @ w[f"{hop}/score_dense/kernel"]
        ).item()
        for vector in vectors
    ]
    weights = np.array(exps) / sum(exps)
    found = np.zeros(vectors.shape[1])
    for weight, vector in zip(weights, vectors, strict=True):
        found += weight * vector
    return found, weights


def mean_by_loops(vectors):
    total = np.zeros(vectors.shape[1])
    for vector in vectors:
        total += vector / len(vectors)
    return total


def expected_by_loops(w, num_hops, words, regions):
    """The formula for one question, in its valid words and regions."""
    image = np.tanh(dense(w, "image_dense_0", mean_by_loops(regions)))
    memory = mean_by_loops(words) * image
    words_weights, regions_weights = [], []
    for j in range(1, num_hops + 1):
        text, of_words = attend_by_loops(w, f"words_{j}", memory, words)
        seen, of_regions = attend_by_loops(w, f"regions_{j}", memory, regions)
        memory = memory + text * np.tanh(dense(w, f"image_dense_{j}", seen))
        words_weights.append(of_words)
        regions_weights.append(of_regions)
    return [memory], words_weights, regions_weights


def assert_matches_loops(layer, inputs, num_hops):
    *found, words_weights, regions_weights = attend(layer, **inputs, **MASKS)
    for b, (of_words, of_regions) in enumerate(
        zip(WORDS_MASK > 0, REGIONS_MASK > 0, strict=True)
    ):
        expected, words, regions = expected_by_loops(
            weights_by_path(layer),
            num_hops,
            inputs["words"][b][of_words],
            inputs["regions"][b][of_regions],
        )
        for state, row in zip(found, expected, strict=True):
            np.testing.assert_allclose(state[b], row, rtol=1e-5, atol=1e-5)
        for weights, mask, rows in [
            (words_weights[b], of_words, words),
            (regions_weights[b], of_regions, regions),
        ]:
            np.testing.assert_allclose(weights[:, mask], rows, atol=1e-5)
            assert (weights[:, ~mask] == 0).all()


def test_keeps_the_layer_contract(check_layer, inputs):
    check_layer(DualAttention(6, num_hops=2), inputs | MASKS)


def test_keeps_the_layer_contract_without_masks(check_layer, inputs):
    check_layer(DualAttention(6), inputs)


@pytest.mark.parametrize("num_hops", [1, 3])
def test_matches_the_published_formula(inputs, num_hops):
    layer = make_layer(inputs, num_hops=num_hops)
    assert_matches_loops(layer, inputs, num_hops)


def test_attention_without_scores_averages_both_sides(inputs):
    layer = make_layer(inputs, num_hops=1)
    for hop in (layer.words_hops[0], layer.regions_hops[0]):
        hop.score_dense.kernel.assign(np.zeros((4, 1)))
    memory, words, regions = attend(layer, **inputs)
    np.testing.assert_allclose(words, 1 / 5, atol=1e-6)
    np.testing.assert_allclose(regions, 1 / 3, atol=1e-6)
    w = weights_by_path(layer)
    text, image = inputs["words"].mean(axis=1), inputs["regions"].mean(axis=1)
    images = [np.tanh(dense(w, f"image_dense_{j}", image)) for j in (0, 1)]
    np.testing.assert_allclose(memory, text * sum(images), atol=1e-5)


def test_both_sides_move_both_attentions(inputs):
    layer = make_layer(inputs, num_hops=1)
    _, words, regions = attend(layer, **inputs)
    for name in inputs:
        other = {**inputs, name: inputs[name] + 0.5}
        _, other_words, other_regions = attend(layer, **other)
        assert np.abs(other_words - words).max() > 1e-3
        assert np.abs(other_regions - regions).max() > 1e-3


def test_a_side_with_nothing_valid_finds_nothing(inputs):
    layer = make_layer(inputs, num_hops=2)
    memory, words, regions = attend(layer, **inputs, **MASKS)
    assert (words[3] == 0).all() and (memory[3] == 0).all()
    assert (regions[1] == 0).all() and np.isfinite(memory[1]).all()


def test_weight_paths_name_the_hop(inputs):
    layer = DualAttention(4, num_hops=1, name="attention")
    layer(**inputs)
    assert {w.path for w in layer.weights} == {
        f"attention/{name}"
        for name in (
            "image_dense_0/kernel",
            "image_dense_0/bias",
            "image_dense_1/kernel",
            "image_dense_1/bias",
        )
    } | {
        f"attention/{hop}/{name}"
        for hop in ("words_1", "regions_1")
        for name in (
            "memory_dense/kernel",
            "memory_dense/bias",
            "regions_dense/kernel",
            "regions_dense/bias",
            "score_dense/kernel",
        )
    }


@pytest.mark.parametrize("num_hops", [1, 3])
def test_parameters_are_those_of_the_formula(num_hops):
    d, c, k = 5, 6, 7
    layer = DualAttention(k, num_hops)
    layer.build((None, 4, d), (None, 3, c))
    image = (c + 1) * d
    one_hop = (3 * d + c + 4) * k + 2 * k
    assert layer.count_params() == image + num_hops * (one_hop + image)


@pytest.mark.parametrize("name", ["words", "regions"])
def test_rejects_inputs_of_another_rank(inputs, name):
    for bad in (inputs[name][:, 0], inputs[name][None]):
        with pytest.raises(
            ValueError,
            match=rf"`{name}` must have shape .*Received: {name}.shape=",
        ):
            DualAttention(4)(**{**inputs, name: bad})
