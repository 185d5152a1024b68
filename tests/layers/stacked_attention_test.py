import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import ParametricAttention
from vqa_keras.layers import StackedAttention

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


def randomize(layer):
    """Gives every weight, biases included, a random value."""
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.weights])


def weight(layer, path):
    (found,) = (w for w in layer.weights if w.path.endswith(path))
    return ops.convert_to_numpy(found)


def expected_by_loops(layer, hops, question, regions, mask):
    """The formula, one question, hop and region at a time."""
    queries = np.array(question, "float64")
    all_weights = np.zeros((len(question), len(hops), regions.shape[1]))
    for b in range(len(question)):
        for j, hop in enumerate(hops):
            asked = queries[b] @ weight(
                layer, f"{hop}/question_dense/kernel"
            ) + weight(layer, f"{hop}/question_dense/bias")
            exps = {}
            for m in np.flatnonzero(mask[b]):
                seen = regions[b, m] @ weight(
                    layer, f"{hop}/regions_dense/kernel"
                )
                score = np.tanh(seen + asked) @ weight(
                    layer, f"{hop}/score_dense/kernel"
                )
                exps[m] = np.exp(score.item())
            for m, value in exps.items():
                all_weights[b, j, m] = value / sum(exps.values())
            queries[b] += all_weights[b, j] @ regions[b]
    return queries, all_weights


@pytest.mark.parametrize("share_weights", [False, True])
def test_keeps_the_layer_contract(check_layer, inputs, share_weights):
    layer = StackedAttention(6, num_hops=3, share_weights=share_weights)
    check_layer(layer, inputs | {"regions_mask": MASK})


def test_keeps_the_layer_contract_without_a_mask(check_layer, inputs):
    check_layer(StackedAttention(6), inputs)


def test_one_hop_equals_parametric_attention(inputs):
    stacked = StackedAttention(6, num_hops=1)
    query, weights = attend(stacked, **inputs, regions_mask=MASK)
    single = ParametricAttention(6)
    single.build(inputs["question"].shape, inputs["regions"].shape)
    single.set_weights(stacked.get_weights())
    filtered, expected = attend(single, **inputs, regions_mask=MASK)

    np.testing.assert_array_equal(weights[:, 0], expected)
    np.testing.assert_array_equal(query, inputs["question"] + filtered)


@pytest.mark.parametrize(
    ("share_weights", "hops"),
    [(False, ["hop_1", "hop_2", "hop_3"]), (True, ["hop", "hop", "hop"])],
)
def test_matches_the_published_formula(inputs, share_weights, hops):
    layer = StackedAttention(6, num_hops=3, share_weights=share_weights)
    layer(**inputs)
    randomize(layer)
    query, weights = attend(layer, **inputs, regions_mask=MASK)
    expected_query, expected = expected_by_loops(
        layer, hops, inputs["question"], inputs["regions"], MASK
    )
    np.testing.assert_allclose(weights, expected, atol=1e-5)
    np.testing.assert_allclose(query, expected_query, atol=1e-5)


def test_the_first_hops_regions_are_in_the_query_of_the_second(inputs):
    layer = StackedAttention(6, num_hops=2)
    layer(**inputs)
    randomize(layer)
    query, weights = attend(layer, **inputs)

    single = ParametricAttention(6)
    single.build(inputs["question"].shape, inputs["regions"].shape)
    single.set_weights(layer.hops[0].get_weights())
    first, _ = attend(single, **inputs)
    single.set_weights(layer.hops[1].get_weights())
    second, expected = attend(
        single,
        question=inputs["question"] + first,
        regions=inputs["regions"],
    )
    np.testing.assert_allclose(weights[:, 1], expected, atol=1e-5)
    np.testing.assert_allclose(
        query, inputs["question"] + first + second, atol=1e-5
    )


def test_hop_without_scores_averages_the_regions(inputs):
    layer = StackedAttention(6, num_hops=2)
    layer(**inputs)
    layer.hops[1].score_dense.kernel.assign(np.zeros((6, 1)))
    query, weights = attend(layer, **inputs)
    np.testing.assert_allclose(weights[:, 1], 1 / 4, atol=1e-6)
    found = np.einsum("bm,bmd->bd", weights[:, 0], inputs["regions"])
    expected = inputs["question"] + found + inputs["regions"].mean(axis=1)
    np.testing.assert_allclose(query, expected, atol=1e-5)


@pytest.mark.parametrize("num_hops", [1, 2, 4])
def test_parameters_are_those_of_the_paper(num_hops):
    d, k = 5, 7
    one_hop = 2 * d * k + 2 * k
    for share_weights, expected in [(True, 1), (False, num_hops)]:
        layer = StackedAttention(k, num_hops, share_weights)
        layer.build((None, d), (None, 4, d))
        assert layer.count_params() == expected * one_hop


def test_weight_paths_name_the_hop(inputs):
    layer = StackedAttention(6, name="attention")
    layer(**inputs)
    paths = [w.path for w in layer.weights]
    assert paths == [
        f"attention/{hop}/{name}"
        for hop in ("hop_1", "hop_2")
        for name in (
            "question_dense/kernel",
            "question_dense/bias",
            "regions_dense/kernel",
            "score_dense/kernel",
        )
    ]


def test_question_moves_the_attention_of_every_hop(inputs):
    layer = StackedAttention(6)
    _, weights = attend(layer, **inputs)
    _, other = attend(layer, **inputs | {"question": -inputs["question"]})
    assert np.abs(weights - other).max(axis=(0, 2)).min() > 1e-3


def test_order_of_regions_does_not_matter(inputs):
    layer = StackedAttention(6)
    query, weights = attend(layer, **inputs, regions_mask=MASK)
    inputs["regions"] = inputs["regions"][:, ::-1]
    again, flipped = attend(layer, **inputs, regions_mask=MASK[:, ::-1])
    np.testing.assert_allclose(again, query, atol=1e-5)
    np.testing.assert_allclose(flipped, weights[:, :, ::-1], atol=1e-5)


@pytest.mark.parametrize("dtype", ["bool", "int32"])
def test_padding_has_no_influence(inputs, dtype):
    layer = StackedAttention(6)
    mask = MASK.astype(dtype)
    query, weights = attend(layer, **inputs, regions_mask=mask)
    inputs["regions"][MASK == 0] = 1e3
    again, _ = attend(layer, **inputs, regions_mask=mask)

    assert (weights.swapaxes(1, 2)[MASK == 0] == 0).all()
    np.testing.assert_allclose(weights[[0, 2]].sum(axis=-1), 1, rtol=1e-6)
    np.testing.assert_allclose(again, query, atol=1e-5)


def test_padding_of_nan_has_no_influence(inputs):
    layer = StackedAttention(6)
    layer(**inputs)
    randomize(layer)
    expected = attend(layer, **inputs, regions_mask=MASK)
    inputs["regions"][MASK == 0] = np.nan
    results = attend(layer, **inputs, regions_mask=MASK)
    for a, b in zip(results, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_image_without_regions_gives_the_question(inputs):
    layer = StackedAttention(6)
    query, weights = attend(layer, **inputs, regions_mask=MASK)
    assert (weights[1] == 0).all()
    np.testing.assert_array_equal(query[1], inputs["question"][1])


def test_takes_the_mask_attached_to_regions(inputs):
    inputs["regions"][:, -1] = 0.0
    masked = keras.layers.Masking()(inputs["regions"])
    layer = StackedAttention(6)
    _, weights = attend(layer, question=inputs["question"], regions=masked)
    assert (weights[..., -1] == 0).all()


def test_weights_stay_float32_in_mixed_precision(inputs):
    layer = StackedAttention(6, dtype="mixed_bfloat16")
    _, weights = attend(layer, **inputs)
    assert weights.dtype == "float32"
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-6)


def test_rejects_regions_of_another_width(inputs):
    inputs["regions"] = inputs["regions"][..., :3]
    with pytest.raises(
        ValueError, match=r"same width.*regions.shape=\(3, 4, 3"
    ):
        StackedAttention(6)(**inputs)


def test_rejects_an_unflattened_grid(inputs):
    grid = inputs["regions"].reshape(3, 2, 2, 5)
    with pytest.raises(ValueError, match="flatten a CNN grid first"):
        StackedAttention(6)(inputs["question"], grid)


def test_rejects_no_hops_and_an_empty_attention_space():
    with pytest.raises(ValueError, match="`num_hops` must.* Received: 0"):
        StackedAttention(6, num_hops=0)
    with pytest.raises(ValueError, match="`attention_dim` must.* Received: 0"):
        StackedAttention(0)


def test_a_grid_is_refused_with_the_way_to_flatten_it():
    with pytest.raises(ValueError, match="flatten a CNN grid first. Received"):
        StackedAttention(4)(np.ones((2, 5)), np.ones((2, 7, 7, 5)))
