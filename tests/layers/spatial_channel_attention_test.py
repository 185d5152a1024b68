import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import SpatialChannelAttention

MASK = np.array(
    [[1, 1, 1, 0, 1, 0], [0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1]], "int32"
)


@pytest.fixture
def inputs():
    rng = np.random.default_rng(0)
    return {
        "question": rng.normal(size=(3, 5)).astype("float32"),
        "regions": rng.normal(size=(3, 6, 4)).astype("float32"),
    }


def attend(layer, **inputs):
    filtered, (channels, regions) = layer(**inputs)
    return [ops.convert_to_numpy(t) for t in (filtered, channels, regions)]


@pytest.fixture(params=[True, False], ids=["channel_first", "spatial_first"])
def layer(request, inputs):
    """A layer with random weights, biases included."""
    layer = SpatialChannelAttention(7, channel_first=request.param)
    layer(**inputs)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.weights])
    return layer


class Oracle:
    """The formula, one question at a time, in float64."""

    def __init__(self, layer):
        self.channel_first = layer.channel_first
        self.weights = {
            "/".join(w.path.split("/")[-3:]): ops.convert_to_numpy(w).astype(
                "float64"
            )
            for w in layer.weights
        }

    def softmax(self, side, question, items):
        exps = []
        for item in items:
            hidden = np.tanh(
                item @ self.weights[f"{side}/regions_dense/kernel"]
                + question @ self.weights[f"{side}/question_dense/kernel"]
                + self.weights[f"{side}/question_dense/bias"]
            )
            score = hidden @ self.weights[f"{side}/score_dense/kernel"]
            exps.append(np.exp(score.item()))
        return np.array(exps) / sum(exps)

    def channels(self, question, regions):
        means = [[sum(column) / len(regions)] for column in regions.T]
        return self.softmax("channel", question, np.array(means))

    def __call__(self, question, regions):
        num_regions, num_channels = regions.shape
        if self.channel_first:
            beta = self.channels(question, regions)
            regions = regions * num_channels * beta
            alpha = self.softmax("spatial", question, regions)
            return regions * num_regions * alpha[:, None], beta, alpha
        alpha = self.softmax("spatial", question, regions)
        regions = regions * num_regions * alpha[:, None]
        beta = self.channels(question, regions)
        return regions * num_channels * beta, beta, alpha


@pytest.mark.parametrize("channel_first", [True, False])
def test_keeps_the_layer_contract(check_layer, inputs, channel_first):
    layer = SpatialChannelAttention(7, channel_first)
    check_layer(layer, inputs | {"regions_mask": MASK})


def test_keeps_the_layer_contract_on_a_grid(check_layer, inputs):
    inputs["regions"] = inputs["regions"].reshape(3, 2, 3, 4)
    check_layer(SpatialChannelAttention(7), inputs)


def test_matches_the_published_formula(layer, inputs):
    filtered, channels, regions = attend(layer, **inputs, regions_mask=MASK)
    oracle = Oracle(layer)
    for b, mask in enumerate(MASK > 0):
        if not mask.any():
            continue
        expected = oracle(inputs["question"][b], inputs["regions"][b][mask])
        found = filtered[b][mask], channels[b], regions[b][mask]
        for a, e in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, e, rtol=1e-5, atol=1e-5)


def test_a_grid_is_its_regions_in_raster_order(layer, inputs):
    expected = attend(layer, **inputs, regions_mask=MASK)
    inputs["regions"] = inputs["regions"].reshape(3, 2, 3, 4)
    filtered, *weights = attend(layer, **inputs, regions_mask=MASK)
    assert filtered.shape == (3, 2, 3, 4)
    for a, b in zip(
        [filtered.reshape(3, 6, 4), *weights], expected, strict=True
    ):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_uniform_weights_leave_the_map_unchanged(layer, inputs):
    for attention in (layer.channel, layer.spatial):
        attention.score_dense.kernel.assign(np.zeros((7, 1)))
    filtered, channels, regions = attend(layer, **inputs, regions_mask=MASK)
    np.testing.assert_allclose(channels[[0, 2]], 1 / 4, atol=1e-6)
    np.testing.assert_allclose(regions[2], 1 / 6, atol=1e-6)
    expected = inputs["regions"] * MASK[..., None]
    np.testing.assert_allclose(filtered, expected, atol=1e-5)


def test_parameters_are_those_of_the_formula(layer):
    d, c, k = 5, 4, 7
    channel = k + d * k + k + k  # one number a channel
    spatial = c * k + d * k + k + k
    assert layer.count_params() == channel + spatial
    assert any(
        w.path.endswith("/channel/question_dense/bias") for w in layer.weights
    )


def test_question_moves_both_weights(layer, inputs):
    before = attend(layer, **inputs)
    inputs["question"] = -inputs["question"]
    for a, b in zip(attend(layer, **inputs), before, strict=True):
        assert np.abs(a - b).max() > 1e-3


def test_order_of_regions_does_not_matter(layer, inputs):
    filtered, channels, regions = attend(layer, **inputs, regions_mask=MASK)
    inputs["regions"] = inputs["regions"][:, ::-1]
    again = attend(layer, **inputs, regions_mask=MASK[:, ::-1])
    np.testing.assert_allclose(again[0], filtered[:, ::-1], atol=1e-5)
    np.testing.assert_allclose(again[1], channels, atol=1e-5)
    np.testing.assert_allclose(again[2], regions[:, ::-1], atol=1e-5)


@pytest.mark.parametrize("dtype", ["bool", "int32"])
def test_padding_has_no_influence(layer, inputs, dtype):
    expected = attend(layer, **inputs, regions_mask=MASK.astype(dtype))
    inputs["regions"][MASK == 0] = 1e3
    inputs["regions"] = np.pad(inputs["regions"], [(0, 0), (0, 2), (0, 0)])
    mask = np.pad(MASK, [(0, 0), (0, 2)]).astype(dtype)
    filtered, channels, regions = attend(layer, **inputs, regions_mask=mask)

    assert (filtered[mask == 0] == 0).all()
    assert (regions[mask == 0] == 0).all()
    assert (channels[1] == 0).all()
    for a, b in zip(
        [filtered[:, :6], channels, regions[:, :6]], expected, strict=True
    ):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_padding_of_nan_has_no_influence(layer, inputs):
    expected = attend(layer, **inputs, regions_mask=MASK)
    inputs["regions"][MASK == 0] = np.nan
    grid = inputs | {"regions": inputs["regions"].reshape(3, 2, 3, 4)}
    for padded in (inputs, grid):
        results = attend(layer, **padded, regions_mask=MASK)
        for a, b in zip(results, expected, strict=True):
            np.testing.assert_array_equal(a.reshape(b.shape), b)


def test_rejects_bad_arguments(inputs):
    question, regions = inputs["question"], inputs["regions"]
    with pytest.raises(ValueError, match="`attention_dim` must.* Received: 0"):
        SpatialChannelAttention(0)
    with pytest.raises(ValueError, match=r"regions.shape=\(3, 4\)"):
        SpatialChannelAttention(7)(question, regions[:, 0])
    with pytest.raises(ValueError, match=r"question.shape=\(3, 1, 5"):
        SpatialChannelAttention(7)(question[:, None], regions)
    with pytest.raises(ValueError, match=r"mask.shape=\(3, 5\)"):
        SpatialChannelAttention(7)(question, regions, regions_mask=MASK[:, :5])
