import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import IndependentCoAttention
from vqa_keras.layers import ParametricAttention

WORDS_MASK = np.array(
    [[1, 1, 1, 0, 0], [1, 1, 0, 0, 0], [1] * 5, [0] * 5], "int32"
)
REGIONS_MASK = np.array([[1, 1, 0], [0, 0, 0], [1, 1, 1], [1, 0, 0]], "int32")
MASKS = {"words_mask": WORDS_MASK, "regions_mask": REGIONS_MASK}


@pytest.fixture
def inputs():
    rng = np.random.default_rng(0)
    shapes = {
        "question": (4, 6),
        "words": (4, 5, 6),
        "regions": (4, 3, 6),
    }
    return {
        name: rng.normal(size=shape).astype("float32")
        for name, shape in shapes.items()
    }


def attend(layer, **inputs):
    outputs = keras.tree.flatten(layer(**inputs))
    return [ops.convert_to_numpy(t) for t in outputs]


def make_layer(inputs, **arguments):
    """A layer whose weights, biases included, are all random."""
    layer = IndependentCoAttention(4, **arguments)
    layer(**inputs)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.weights])
    return layer


def weights_by_path(layer):
    return {
        w.path.removeprefix(f"{layer.name}/"): ops.convert_to_numpy(w)
        for w in layer.weights
    }


def attend_by_loops(w, hop, condition, vectors):
    """Additive attention of one question over the valid vectors of one side."""
    asked = (
        condition @ w[f"{hop}/question_dense/kernel"]
        + w[f"{hop}/question_dense/bias"]
    )
    exps = [
        np.exp(
            np.tanh(vector @ w[f"{hop}/regions_dense/kernel"] + asked)
            @ w[f"{hop}/score_dense/kernel"]
        ).item()
        for vector in vectors
    ]
    weights = np.array(exps) / sum(exps)
    found = np.zeros_like(condition)
    for weight, vector in zip(weights, vectors, strict=True):
        found += weight * vector
    return found, weights


def mean_by_loops(vectors, width):
    total = np.zeros(width)
    for vector in vectors:
        total += vector / len(vectors)
    return total


def expected_by_loops(w, num_hops, question, words, regions):
    """The formula for one question, in its valid words and regions."""
    image = mean_by_loops(regions, len(question))
    words_weights, regions_weights = [], []
    for j in range(1, num_hops + 1):
        text, of_words = attend_by_loops(w, f"words_{j}", image, words)
        seen, of_regions = attend_by_loops(w, f"regions_{j}", question, regions)
        question, image = question + text, image + seen
        words_weights.append(of_words)
        regions_weights.append(of_regions)
    return (question, image), words_weights, regions_weights


def assert_matches_loops(layer, inputs, num_hops):
    *found, words_weights, regions_weights = attend(layer, **inputs, **MASKS)
    for b, (of_words, of_regions) in enumerate(
        zip(WORDS_MASK > 0, REGIONS_MASK > 0, strict=True)
    ):
        expected, words, regions = expected_by_loops(
            weights_by_path(layer),
            num_hops,
            inputs["question"][b],
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
    check_layer(IndependentCoAttention(6, num_hops=2), inputs | MASKS)


def test_keeps_the_layer_contract_without_masks(check_layer, inputs):
    check_layer(IndependentCoAttention(6), inputs)


@pytest.mark.parametrize("num_hops", [1, 3])
def test_matches_the_formula(inputs, num_hops):
    layer = make_layer(inputs, num_hops=num_hops)
    assert_matches_loops(layer, inputs, num_hops)


def test_one_hop_weights_regions_as_parametric_attention_does(inputs):
    layer = make_layer(inputs)
    single = ParametricAttention(4)
    single.build((4, 6), (4, 3, 6))
    single.set_weights(layer.regions_hops[0].get_weights())
    filtered, expected = attend(
        single,
        question=inputs["question"],
        regions=inputs["regions"],
        regions_mask=REGIONS_MASK,
    )
    _, image, _, weights = attend(layer, **inputs, **MASKS)
    np.testing.assert_array_equal(weights[:, 0], expected)
    mean = np.einsum("bm,bmd->bd", REGIONS_MASK, inputs["regions"])
    mean = mean / np.maximum(REGIONS_MASK.sum(axis=1, keepdims=True), 1)
    np.testing.assert_allclose(image, mean + filtered, atol=1e-5)


def test_each_side_is_queried_by_the_other(inputs):
    layer = make_layer(inputs)
    *_, words, regions = attend(layer, **inputs)
    other = {**inputs, "question": -inputs["question"]}
    *_, same_words, other_regions = attend(layer, **other)
    np.testing.assert_array_equal(same_words, words)
    assert np.abs(other_regions - regions).max() > 1e-3
    other = {**inputs, "regions": inputs["regions"] + 0.5}
    *_, other_words, _ = attend(layer, **other)
    assert np.abs(other_words - words).max() > 1e-3


def test_a_side_with_nothing_valid_finds_nothing(inputs):
    layer = make_layer(inputs, num_hops=2)
    question, image, words, regions = attend(layer, **inputs, **MASKS)
    assert (regions[1] == 0).all() and (image[1] == 0).all()
    assert (words[3] == 0).all()
    np.testing.assert_array_equal(question[3], inputs["question"][3])


def test_weight_paths_name_the_hop(inputs):
    layer = IndependentCoAttention(4, num_hops=2, name="attention")
    layer(**inputs)
    assert [w.path for w in layer.weights] == [
        f"attention/{hop}/{name}"
        for hop in ("words_1", "words_2", "regions_1", "regions_2")
        for name in (
            "question_dense/kernel",
            "question_dense/bias",
            "regions_dense/kernel",
            "score_dense/kernel",
        )
    ]


@pytest.mark.parametrize("num_hops", [1, 3])
def test_parameters_are_those_of_the_formula(num_hops):
    layer = IndependentCoAttention(7, num_hops=num_hops)
    layer.build((None, 5), (None, 4, 5), (None, 3, 5))
    assert layer.count_params() == num_hops * 2 * (2 * 5 * 7 + 2 * 7)


@pytest.mark.parametrize("name", ["question", "words", "regions"])
def test_rejects_inputs_of_another_width_or_rank(inputs, name):
    for bad, message in [
        (inputs[name][..., :4], "must have the same width"),
        (inputs[name][None], f"`{name}` must have shape "),
    ]:
        with pytest.raises(ValueError, match=f"{message}.* Received: "):
            IndependentCoAttention(4)(**{**inputs, name: bad})
