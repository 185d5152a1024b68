import numpy as np
import pytest
from keras import ops
from keras import tree

from vqa_keras.layers import InterModalityAttention

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
    """Returns words, regions, words_to_regions, regions_to_words."""
    return [ops.convert_to_numpy(t) for t in tree.flatten(layer(**inputs))]


def randomized(inputs, num_heads=2):
    """A layer whose weights, biases included, are all random."""
    layer = InterModalityAttention(num_heads)
    layer(**inputs)
    rng = np.random.default_rng(1)
    layer.set_weights(
        [rng.normal(scale=0.5, size=w.shape) for w in layer.weights]
    )
    return layer


def linear(layer, name, x):
    kernel, bias = map(ops.convert_to_numpy, getattr(layer, name).weights)
    return x @ kernel + bias


def expected_by_loops(layer, asking, answering, own, other, real, valid):
    """One question, position and head at a time."""
    batch, num_asking, dim = asking.shape
    size = dim // layer.num_heads
    outputs = np.zeros(asking.shape)
    weights = np.zeros((batch, layer.num_heads, num_asking, answering.shape[1]))
    for b in range(batch):
        for n in np.flatnonzero(real[b]):
            gathered = np.zeros(dim)
            query = linear(layer, f"{own}_query", asking[b, n])
            for head in range(layer.num_heads):
                part = slice(head * size, (head + 1) * size)
                exps = {}
                for m in np.flatnonzero(valid[b]):
                    key = linear(layer, f"{other}_key", answering[b, m])
                    exps[m] = np.exp(query[part] @ key[part] / np.sqrt(size))
                for m, exp in exps.items():
                    value = linear(layer, f"{other}_value", answering[b, m])
                    weights[b, head, n, m] = exp / sum(exps.values())
                    gathered[part] += weights[b, head, n, m] * value[part]
            joined = np.concatenate([asking[b, n], gathered])
            outputs[b, n] = linear(layer, f"{own}_dense", joined)
    return outputs, weights


def test_keeps_the_layer_contract(check_layer, inputs):
    check_layer(InterModalityAttention(2), inputs, untrained=("_key/bias",))


def test_keeps_the_layer_contract_without_masks(check_layer, inputs):
    inputs = {name: inputs[name] for name in ("words", "regions")}
    check_layer(InterModalityAttention(3), inputs, untrained=("_key/bias",))


@pytest.mark.parametrize("num_heads", [1, 2])
def test_matches_the_published_formula(inputs, num_heads):
    layer = randomized(inputs, num_heads)
    words, regions, to_regions, to_words = attend(layer, **inputs)
    sides = inputs["words"], inputs["regions"]
    expected_words, expected_to_regions = expected_by_loops(
        layer, *sides, "words", "regions", WORDS_MASK, REGIONS_MASK
    )
    expected_regions, expected_to_words = expected_by_loops(
        layer, *sides[::-1], "regions", "words", REGIONS_MASK, WORDS_MASK
    )
    np.testing.assert_allclose(to_regions, expected_to_regions, atol=1e-5)
    np.testing.assert_allclose(to_words, expected_to_words, atol=1e-5)
    np.testing.assert_allclose(words, expected_words, atol=1e-5)
    np.testing.assert_allclose(regions, expected_regions, atol=1e-5)


def test_parameters_are_those_of_the_formula(inputs):
    layer = randomized(inputs)
    dim = 6
    assert layer.count_params() == 6 * (dim**2 + dim) + 2 * (2 * dim**2 + dim)
    paths = {w.path.split("/", 1)[1] for w in layer.weights}
    assert {"words_query/kernel", "regions_dense/bias"} <= paths


def test_order_of_regions_does_not_matter(inputs):
    layer = randomized(inputs)
    words, regions, to_regions, to_words = attend(layer, **inputs)
    for name in ("regions", "regions_mask"):
        inputs[name] = inputs[name][:, ::-1]
    again = attend(layer, **inputs)
    flipped = words, regions[:, ::-1], to_regions[..., ::-1]
    for a, b in zip(again, (*flipped, to_words[:, :, ::-1]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("padding", [np.inf, np.nan])
def test_padding_has_no_influence(inputs, padding):
    layer = randomized(inputs)
    before = attend(layer, **inputs)
    masks = inputs["words_mask"], inputs["regions_mask"]
    more = {
        name: np.pad(inputs[name], ((0, 0), (0, 2)) + ((0, 0),) * (rank - 2))
        for name, rank in [("words", 3), ("regions", 3)]
        + [("words_mask", 2), ("regions_mask", 2)]
    }
    for side in ("words", "regions"):
        more[side][more[f"{side}_mask"] == 0] = padding
        more[f"{side}_mask"] = more[f"{side}_mask"].astype("bool")
    words, regions, to_regions, to_words = attend(layer, **more)
    after = (
        words[:, :3],
        regions[:, :4],
        to_regions[:, :, :3, :4],
        to_words[:, :, :4, :3],
    )
    for a, b in zip(after, before, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert (words[:, 3:] == 0).all() and (to_words[..., 3:] == 0).all()
    assert (regions[:, 4:] == 0).all() and (to_regions[..., 4:] == 0).all()
    for weights, asking, answering in [
        (to_regions[:, :, :3, :4], *masks),
        (to_words[:, :, :4, :3], *masks[::-1]),
    ]:
        expected = asking * answering.any(axis=1, keepdims=True)
        sums = weights.sum(axis=-1)  # (B, heads, asking)
        np.testing.assert_allclose(
            sums, np.broadcast_to(expected[:, None], sums.shape), atol=1e-6
        )


def test_words_without_regions_gather_nothing(inputs):
    layer = randomized(inputs)
    words, regions, to_regions, to_words = attend(layer, **inputs)
    for nothing in (regions[1], to_regions[1], to_words[1], words[2]):
        assert (nothing == 0).all()
    joined = np.concatenate([inputs["words"][1], np.zeros((3, 6))], axis=-1)
    expected = linear(layer, "words_dense", joined)
    np.testing.assert_allclose(words[1], expected, atol=1e-5)


def test_rejects_what_it_cannot_use(inputs):
    words, regions = inputs["words"], inputs["regions"]
    with pytest.raises(ValueError, match="`num_heads` must.* Received: 0"):
        InterModalityAttention(0)
    with pytest.raises(ValueError, match="divides. Received: num_heads=4"):
        InterModalityAttention(4)(words, regions)
    with pytest.raises(ValueError, match=r"same width.*regions.*\(3, 4, 3\)"):
        InterModalityAttention(2)(words, regions[..., :3])
    with pytest.raises(ValueError, match="flatten a CNN grid first"):
        InterModalityAttention(2)(words, regions.reshape(3, 2, 2, 6))
    for mask in ("words_mask", "regions_mask"):
        received = rf"Received: {mask}.shape=\(3, 1\)"
        with pytest.raises(ValueError, match=received):
            InterModalityAttention(2)(
                words, regions, **{mask: inputs[mask][:, :1]}
            )
