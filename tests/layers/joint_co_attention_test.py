import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import JointCoAttention

WORDS_MASK = np.array([[1, 1, 0], [1, 1, 1], [0, 0, 0], [1, 0, 0]], "int32")
REGIONS_MASK = np.array(
    [[1, 1, 1, 0], [1, 1, 1, 1], [1, 0, 1, 1], [0, 0, 0, 0]], "int32"
)
MASKS = {"words_mask": WORDS_MASK, "regions_mask": REGIONS_MASK}
PARAMETRIC = {"attention_dim": 6}
MAXIMUM = {"temperature": 3.0}
both_forms = pytest.mark.parametrize("arguments", [PARAMETRIC, MAXIMUM])


@pytest.fixture
def inputs():
    rng = np.random.default_rng(0)
    return {
        "words": rng.normal(size=(4, 3, 5)).astype("float32"),
        "regions": rng.normal(size=(4, 4, 5)).astype("float32"),
    }


def make_layer(inputs, **arguments):
    """A layer whose weights are random and small enough to keep tanh alive."""
    layer = JointCoAttention(**arguments, name="attention")
    layer(**inputs)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(0, 0.4, w.shape) for w in layer.weights])
    return layer


def attend(layer, **inputs):
    filtered, weights = layer(**inputs)
    return [ops.convert_to_numpy(t) for t in (*filtered, *weights)]


def weight(layer, name):
    path = f"attention/{name}/kernel"
    (found,) = (w for w in layer.weights if w.path == path)
    return ops.convert_to_numpy(found).astype("float64")


def softmax(scores):
    exps = np.exp(np.array(scores))
    return exps / exps.sum()


def expected_by_loops(layer, words, regions):
    """The formula for one question and image without padding."""
    count_n, count_m = len(words), len(regions)
    affinity = np.zeros((count_n, count_m))
    for n in range(count_n):
        for m in range(count_m):
            map_ = weight(layer, "affinity_dense")
            affinity[n, m] = np.tanh(words[n] @ (regions[m] @ map_))
    if layer.attention_dim is None:
        words_scores = [layer.temperature * max(row) for row in affinity]
        regions_scores = [layer.temperature * max(c) for c in affinity.T]
    else:
        asked = [w @ weight(layer, "words_dense") for w in words]
        shown = [r @ weight(layer, "regions_dense") for r in regions]
        words_scores, regions_scores = [], []
        for n in range(count_n):
            seen = sum(affinity[n, m] * shown[m] for m in range(count_m))
            hidden = np.tanh(asked[n] + seen)
            words_scores += [hidden @ weight(layer, "words_score_dense")[:, 0]]
        for m in range(count_m):
            seen = sum(affinity[n, m] * asked[n] for n in range(count_n))
            hidden = np.tanh(shown[m] + seen)
            score = hidden @ weight(layer, "regions_score_dense")[:, 0]
            regions_scores += [score]
    weights = softmax(words_scores), softmax(regions_scores)
    return weights[0] @ words, weights[1] @ regions, *weights, affinity


@both_forms
def test_keeps_the_layer_contract(check_layer, inputs, arguments):
    check_layer(JointCoAttention(**arguments), inputs | MASKS)


def test_keeps_the_layer_contract_without_masks(check_layer, inputs):
    check_layer(JointCoAttention(), inputs)


@both_forms
def test_matches_the_formula_of_the_words_and_regions_there_are(
    inputs, arguments
):
    layer = make_layer(inputs, **arguments)
    outputs = attend(layer, **inputs, **MASKS)
    for b in (0, 1):
        is_word, is_region = WORDS_MASK[b] == 1, REGIONS_MASK[b] == 1
        expected = expected_by_loops(
            layer, inputs["words"][b, is_word], inputs["regions"][b, is_region]
        )
        valid = [
            outputs[0][b],
            outputs[1][b],
            outputs[2][b, is_word],
            outputs[3][b, is_region],
            outputs[4][b][np.ix_(is_word, is_region)],
        ]
        for output, of_loops in zip(valid, expected, strict=True):
            np.testing.assert_allclose(output, of_loops, atol=1e-5)


def test_without_affinity_the_sides_know_nothing_of_each_other(inputs):
    layer = make_layer(inputs, **PARAMETRIC)
    layer.affinity_dense.kernel.assign(np.zeros((5, 5)))
    words_weights, regions_weights, affinity = attend(layer, **inputs)[2:]
    assert (affinity == 0).all()
    for side, weights in ("words", words_weights), ("regions", regions_weights):
        hidden = np.tanh(inputs[side] @ weight(layer, f"{side}_dense"))
        scores = hidden @ weight(layer, f"{side}_score_dense")[:, 0]
        expected = [softmax(row) for row in scores]
        np.testing.assert_allclose(weights, expected, atol=1e-5)


@both_forms
def test_each_side_moves_the_weights_of_the_other(inputs, arguments):
    layer = make_layer(inputs, **arguments)
    weights = attend(layer, **inputs)[2:4]
    changed = [
        attend(layer, **inputs | {side: inputs[side][..., ::-1]})[2:4]
        for side in ("regions", "words")
    ]
    assert np.abs(changed[0][0] - weights[0]).max() > 1e-3
    assert np.abs(changed[1][1] - weights[1]).max() > 1e-3


@both_forms
@pytest.mark.parametrize("dtype", ["bool", "int32"])
def test_padding_has_no_influence(inputs, arguments, dtype):
    layer = make_layer(inputs, **arguments)
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
    is_word = longer["words_mask"] == 1
    is_region = longer["regions_mask"] == 1
    assert (again[2][~is_word] == 0).all()
    assert (again[3][~is_region] == 0).all()
    assert (again[4][~(is_word[:, :, None] & is_region[:, None])] == 0).all()
    np.testing.assert_allclose(again[4][:, :3, :4], outputs[4], atol=1e-5)


@both_forms
def test_padding_of_nan_has_no_influence(inputs, arguments):
    layer = make_layer(inputs, **arguments)
    outputs = attend(layer, **inputs, **MASKS)
    for side in ("words", "regions"):
        inputs[side][MASKS[f"{side}_mask"] == 0] = np.nan
    for output, expected in zip(
        attend(layer, **inputs, **MASKS), outputs, strict=True
    ):
        np.testing.assert_array_equal(output, expected)


@both_forms
def test_a_side_with_nothing_valid_gives_zeros(inputs, arguments):
    layer = make_layer(inputs, **arguments)
    outputs = attend(layer, **inputs, **MASKS)
    assert (outputs[0][2] == 0).all() and (outputs[2][2] == 0).all()
    assert (outputs[1][3] == 0).all() and (outputs[3][3] == 0).all()
    sums = [weights.sum(axis=1) for weights in outputs[2:4]]
    np.testing.assert_allclose(sums, [[1, 1, 0, 1], [1, 1, 1, 0]], atol=1e-6)


@both_forms
def test_order_of_regions_does_not_matter(inputs, arguments):
    layer = make_layer(inputs, **arguments)
    outputs = attend(layer, **inputs, **MASKS)
    inputs["regions"] = inputs["regions"][:, ::-1]
    masks = {**MASKS, "regions_mask": REGIONS_MASK[:, ::-1]}
    flipped = attend(layer, **inputs, **masks)
    for i in range(3):
        np.testing.assert_allclose(flipped[i], outputs[i], atol=1e-5)
    np.testing.assert_allclose(flipped[3], outputs[3][:, ::-1], atol=1e-5)
    np.testing.assert_allclose(flipped[4], outputs[4][:, :, ::-1], atol=1e-5)


def test_parameters_are_those_of_the_formula():
    words_dim, regions_dim, k = 5, 7, 6
    for attention_dim, expected in [
        (None, words_dim * regions_dim),
        (k, words_dim * regions_dim + (words_dim + regions_dim) * k + 2 * k),
    ]:
        layer = JointCoAttention(attention_dim)
        layer.build((None, 3, words_dim), (None, 4, regions_dim))
        assert layer.count_params() == expected


def test_rejects_what_it_cannot_use(inputs):
    with pytest.raises(ValueError, match="`attention_dim` must.* Received: 0"):
        JointCoAttention(0)
    with pytest.raises(ValueError, match="`temperature` must.* Received: 0"):
        JointCoAttention(temperature=0)
    with pytest.raises(ValueError, match="`temperature` must be 1.* Received"):
        JointCoAttention(6, temperature=2.0)
    grid = inputs["regions"].reshape(4, 2, 2, 5)
    with pytest.raises(ValueError, match="flatten a CNN grid.* Received"):
        JointCoAttention(6)(inputs["words"], grid)
