import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import AlternatingCoAttention

WORDS_MASK = np.array([[1, 1, 0], [1, 1, 1], [0, 0, 0], [1, 0, 0]], "int32")
REGIONS_MASK = np.array(
    [[1, 1, 1, 0], [1, 1, 1, 1], [1, 0, 1, 1], [0, 0, 0, 0]], "int32"
)
MASKS = {"words_mask": WORDS_MASK, "regions_mask": REGIONS_MASK}


@pytest.fixture
def inputs():
    rng = np.random.default_rng(0)
    return {
        "words": rng.normal(size=(4, 3, 5)).astype("float32"),
        "regions": rng.normal(size=(4, 4, 5)).astype("float32"),
    }


@pytest.fixture
def layer(inputs):
    layer = AlternatingCoAttention(6, name="attention")
    layer(**inputs)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.weights])
    return layer


def attend(layer, **inputs):
    filtered, weights = layer(**inputs)
    return [ops.convert_to_numpy(t) for t in (*filtered, *weights)]


def attend_by_loops(layer, side, vectors, is_valid, guide):
    """One of the three attentions to one sequence."""
    kernels = {
        w.path.removeprefix("attention/"): ops.convert_to_numpy(w)
        for w in layer.weights
    }
    exps = np.zeros(len(vectors))
    for i, vector in enumerate(vectors):
        if is_valid[i]:
            hidden = vector @ kernels[f"{side}_dense/kernel"]
            if guide is not None:
                hidden += guide @ kernels[f"{side}_guide_dense/kernel"]
            score = np.tanh(hidden) @ kernels[f"{side}_score_dense/kernel"]
            exps[i] = np.exp(score.item())
    weights = exps / exps.sum() if exps.any() else exps
    return sum(p * x for p, x in zip(weights, vectors, strict=True)), weights


def test_keeps_the_layer_contract(check_layer, inputs):
    check_layer(AlternatingCoAttention(6), inputs | MASKS)


def test_keeps_the_layer_contract_without_masks(check_layer, inputs):
    check_layer(AlternatingCoAttention(6), inputs)


def test_matches_the_three_steps_of_the_paper(inputs, layer):
    outputs = attend(layer, **inputs, **MASKS)
    for b in range(4):
        words = inputs["words"][b].astype("float64"), WORDS_MASK[b]
        regions = inputs["regions"][b].astype("float64"), REGIONS_MASK[b]
        start, start_weights = attend_by_loops(layer, "start", *words, None)
        image, image_weights = attend_by_loops(
            layer, "regions", *regions, start
        )
        question, weights = attend_by_loops(layer, "words", *words, image)
        expected = question, image, weights, image_weights, start_weights
        for output, of_loops in zip(outputs, expected, strict=True):
            np.testing.assert_allclose(output[b], of_loops, atol=1e-5)


def test_the_start_knows_nothing_of_the_image(inputs, layer):
    _, _, weights, _, start = attend(layer, **inputs)
    inputs["regions"] = -inputs["regions"]
    _, _, other_weights, _, other_start = attend(layer, **inputs)
    np.testing.assert_array_equal(other_start, start)
    assert np.abs(other_weights - weights).max() > 1e-3


@pytest.mark.parametrize("dtype", ["bool", "int32"])
def test_padding_has_no_influence(inputs, layer, dtype):
    masks = {name: mask.astype(dtype) for name, mask in MASKS.items()}
    outputs = attend(layer, **inputs, **masks)
    longer = {
        "words": np.pad(inputs["words"], ((0, 0), (0, 2), (0, 0))),
        "regions": np.pad(inputs["regions"], ((0, 0), (0, 3), (0, 0))),
        "words_mask": np.pad(masks["words_mask"], ((0, 0), (0, 2))),
        "regions_mask": np.pad(masks["regions_mask"], ((0, 0), (0, 3))),
    }
    longer["words"][longer["words_mask"] == 0] = 1e3
    longer["regions"][longer["regions_mask"] == 0] = -1e3
    again = attend(layer, **longer)

    np.testing.assert_allclose(again[0], outputs[0], atol=1e-5)
    np.testing.assert_allclose(again[1], outputs[1], atol=1e-5)
    for weights, mask in zip(
        again[2:], ("words", "regions", "words"), strict=True
    ):
        is_valid = longer[f"{mask}_mask"] == 1
        assert (weights[~is_valid] == 0).all()
        np.testing.assert_allclose(
            weights.sum(axis=1), is_valid.any(axis=1), atol=1e-6
        )


def test_padding_of_nan_has_no_influence(inputs, layer):
    outputs = attend(layer, **inputs, **MASKS)
    for side in ("words", "regions"):
        inputs[side][MASKS[f"{side}_mask"] == 0] = np.nan
    for output, expected in zip(
        attend(layer, **inputs, **MASKS), outputs, strict=True
    ):
        np.testing.assert_array_equal(output, expected)


def test_a_side_with_nothing_valid_gives_zeros(inputs, layer):
    outputs = attend(layer, **inputs, **MASKS)
    for i in (0, 2, 4):
        assert (outputs[i][2] == 0).all()
    for i in (1, 3):
        assert (outputs[i][3] == 0).all()


def test_order_of_regions_does_not_matter(inputs, layer):
    outputs = attend(layer, **inputs, **MASKS)
    inputs["regions"] = inputs["regions"][:, ::-1]
    masks = {**MASKS, "regions_mask": REGIONS_MASK[:, ::-1]}
    flipped = attend(layer, **inputs, **masks)
    flipped[3] = flipped[3][:, ::-1]
    for output, expected in zip(flipped, outputs, strict=True):
        np.testing.assert_allclose(output, expected, atol=1e-5)


def test_parameters_are_those_of_the_formula():
    words_dim, regions_dim, k = 5, 7, 6
    layer = AlternatingCoAttention(k)
    layer.build((None, 3, words_dim), (None, 4, regions_dim))
    assert layer.count_params() == (3 * words_dim + 2 * regions_dim + 3) * k


def test_rejects_what_it_cannot_use(inputs):
    with pytest.raises(ValueError, match="`attention_dim` must.* Received: 0"):
        AlternatingCoAttention(0)
    grid = inputs["regions"].reshape(4, 2, 2, 5)
    with pytest.raises(ValueError, match="flatten a CNN grid.* Received"):
        AlternatingCoAttention(6)(inputs["words"], grid)
