import numpy as np
import pytest
from keras import ops
from keras import tree

from vqa_keras.layers import IntraModalityAttention

WORDS_MASK = np.array([[1, 1, 0], [1, 1, 1], [0, 0, 0]], "int32")
REGIONS_MASK = np.array([[1, 1, 1, 0], [0, 0, 0, 0], [1, 0, 1, 1]], "int32")


@pytest.fixture
def inputs():
    rng = np.random.default_rng(0)
    return {
        "words": rng.normal(size=(3, 3, 6)).astype("float32"),
        "regions": rng.normal(size=(3, 4, 6)).astype("float32"),
        "words_mask": WORDS_MASK,
        "regions_mask": REGIONS_MASK,
    }


def attend(layer, **inputs):
    """Returns words, regions, words_to_words, regions_to_regions."""
    return [ops.convert_to_numpy(t) for t in tree.flatten(layer(**inputs))]


def randomized(inputs, num_heads=2):
    """A layer whose weights, biases included, are all random."""
    layer = IntraModalityAttention(num_heads)
    layer(**inputs)
    rng = np.random.default_rng(1)
    layer.set_weights(
        [rng.normal(scale=0.5, size=w.shape) for w in layer.weights]
    )
    return layer


def linear(layer, name, x):
    kernel, bias = map(ops.convert_to_numpy, getattr(layer, name).weights)
    return x @ kernel + bias


def expected_by_loops(layer, own, other, side, real, valid):
    """One question, position and head at a time; `own` gated by `other`."""
    batch, num_positions, dim = own.shape
    size = dim // layer.num_heads
    outputs = np.zeros(own.shape)
    weights = np.zeros((batch, layer.num_heads, num_positions, num_positions))
    for b in range(batch):
        mean = other[b, valid[b] == 1].sum(axis=0) / max(valid[b].sum(), 1)
        gate = 1 + 1 / (1 + np.exp(-linear(layer, f"{side}_gate", mean)))
        for n in np.flatnonzero(real[b]):
            gathered = np.zeros(dim)
            query = gate * linear(layer, f"{side}_query", own[b, n])
            for head in range(layer.num_heads):
                part = slice(head * size, (head + 1) * size)
                exps = {}
                for m in np.flatnonzero(real[b]):
                    key = gate * linear(layer, f"{side}_key", own[b, m])
                    exps[m] = np.exp(query[part] @ key[part] / np.sqrt(size))
                for m, exp in exps.items():
                    value = linear(layer, f"{side}_value", own[b, m])
                    weights[b, head, n, m] = exp / sum(exps.values())
                    gathered[part] += weights[b, head, n, m] * value[part]
            outputs[b, n] = linear(layer, f"{side}_dense", own[b, n] + gathered)
    return outputs, weights


def test_keeps_the_layer_contract(check_layer, inputs):
    check_layer(IntraModalityAttention(2), inputs, untrained=("_key/bias",))


def test_keeps_the_layer_contract_without_masks(check_layer, inputs):
    inputs = {name: inputs[name] for name in ("words", "regions")}
    check_layer(IntraModalityAttention(3), inputs, untrained=("_key/bias",))


@pytest.mark.parametrize("num_heads", [1, 2])
def test_matches_the_published_formula(inputs, num_heads):
    layer = randomized(inputs, num_heads)
    words, regions, of_words, of_regions = attend(layer, **inputs)
    sides = inputs["words"], inputs["regions"]
    expected_words, expected_of_words = expected_by_loops(
        layer, *sides, "words", WORDS_MASK, REGIONS_MASK
    )
    expected_regions, expected_of_regions = expected_by_loops(
        layer, *sides[::-1], "regions", REGIONS_MASK, WORDS_MASK
    )
    np.testing.assert_allclose(of_words, expected_of_words, atol=1e-5)
    np.testing.assert_allclose(of_regions, expected_of_regions, atol=1e-5)
    np.testing.assert_allclose(words, expected_words, atol=1e-5)
    np.testing.assert_allclose(regions, expected_regions, atol=1e-5)


def test_gates_without_weights_scale_scores_by_two_and_a_quarter(inputs):
    layer = randomized(inputs, num_heads=1)
    for gate in (layer.words_gate, layer.regions_gate):
        gate.set_weights([np.zeros((6, 6)), np.zeros(6)])
    _, _, weights, _ = attend(layer, **inputs)
    words = inputs["words"][1]  # three real words
    query = linear(layer, "words_query", words)
    key = linear(layer, "words_key", words)
    exps = np.exp(2.25 * query @ key.T / np.sqrt(6))
    expected = exps / exps.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(weights[1, 0], expected, atol=1e-5)


def test_regions_move_the_attention_of_the_words(inputs):
    layer = randomized(inputs)
    _, _, of_words, of_regions = attend(layer, **inputs)
    inputs["regions"] = -inputs["regions"]
    _, _, moved, _ = attend(layer, **inputs)
    assert np.abs(moved - of_words)[0].max() > 1e-3
    inputs["regions"] = -inputs["regions"]
    inputs["words"] = -inputs["words"]
    _, _, _, moved = attend(layer, **inputs)
    assert np.abs(moved - of_regions)[0].max() > 1e-3


def test_parameters_are_those_of_the_formula(inputs):
    layer = randomized(inputs)
    assert layer.count_params() == 10 * (6**2 + 6)
    paths = {w.path.split("/", 1)[1] for w in layer.weights}
    assert {"words_gate/kernel", "regions_dense/bias"} <= paths


def test_order_of_regions_does_not_matter(inputs):
    layer = randomized(inputs)
    words, regions, of_words, of_regions = attend(layer, **inputs)
    for name in ("regions", "regions_mask"):
        inputs[name] = inputs[name][:, ::-1]
    again = attend(layer, **inputs)
    flipped = of_regions[:, :, ::-1, ::-1]
    expected = words, regions[:, ::-1], of_words, flipped
    for a, b in zip(again, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("padding", [np.inf, np.nan])
def test_padding_has_no_influence(inputs, padding):
    layer = randomized(inputs)
    before = attend(layer, **inputs)
    more = {
        name: np.pad(inputs[name], ((0, 0), (0, 2)) + ((0, 0),) * (rank - 2))
        for name, rank in [("words", 3), ("regions", 3)]
        + [("words_mask", 2), ("regions_mask", 2)]
    }
    for side in ("words", "regions"):
        more[side][more[f"{side}_mask"] == 0] = padding
        more[f"{side}_mask"] = more[f"{side}_mask"].astype("bool")
    words, regions, of_words, of_regions = attend(layer, **more)
    after = (
        words[:, :3],
        regions[:, :4],
        of_words[:, :, :3, :3],
        of_regions[:, :, :4, :4],
    )
    for a, b in zip(after, before, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert (words[:, 3:] == 0).all() and (regions[:, 4:] == 0).all()
    for weights, mask in [
        (of_words, "words_mask"),
        (of_regions, "regions_mask"),
    ]:
        sums = weights.sum(axis=-1)  # (B, heads, positions)
        expected = np.broadcast_to(more[mask][:, None], sums.shape)
        np.testing.assert_allclose(sums, expected, atol=1e-6)
        assert (weights.swapaxes(1, 3)[~more[mask]] == 0).all()


def test_a_side_with_nothing_valid_gives_zeros(inputs):
    words, regions, of_words, of_regions = attend(randomized(inputs), **inputs)
    for nothing in (regions[1], of_regions[1], words[2], of_words[2]):
        assert (nothing == 0).all()
    assert (words[1] != 0).any() and (regions[2] != 0).any()


def test_rejects_what_it_cannot_use(inputs):
    words, regions = inputs["words"], inputs["regions"]
    with pytest.raises(ValueError, match="`num_heads` must.* Received: 0"):
        IntraModalityAttention(0)
    with pytest.raises(ValueError, match="divides. Received: num_heads=4"):
        IntraModalityAttention(4)(words, regions)
    with pytest.raises(ValueError, match=r"same width.*regions.*\(3, 4, 3\)"):
        IntraModalityAttention(2)(words, regions[..., :3])
    with pytest.raises(ValueError, match="flatten a CNN grid first"):
        IntraModalityAttention(2)(words, regions.reshape(3, 2, 2, 6))
    for mask in ("words_mask", "regions_mask"):
        received = rf"Received: {mask}.shape=\(3, 1\)"
        with pytest.raises(ValueError, match=received):
            IntraModalityAttention(2)(
                words, regions, **{mask: inputs[mask][:, :1]}
            )
