import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import AttentionPooling

MASK = np.array([[1, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]], "int32")


@pytest.fixture
def sequence():
    return np.random.default_rng(0).normal(size=(3, 4, 5)).astype("float32")


def make_layer(num_glimpses=1):
    """A layer whose weights and biases are all random."""
    layer = AttentionPooling(6, 7, num_glimpses)
    layer.build((None, 4, 5))
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.weights])
    return layer


def pool(layer, sequence, mask=None):
    outputs = layer(sequence, sequence_mask=mask)
    return [ops.convert_to_numpy(t) for t in outputs]


def expected_by_loops(layer, sequence):
    """The formula, one example, glimpse and position at a time."""
    kernels = layer.get_weights()
    (hidden, hidden_bias), (score, score_bias), (output, output_bias) = (
        kernels[i : i + 2] for i in (0, 2, 4)
    )
    filtered = np.zeros((3, 7))
    weights = np.zeros((3, layer.num_glimpses, 4))
    for b in (0, 2):
        glimpses = []
        for g in range(layer.num_glimpses):
            for p in np.flatnonzero(MASK[b]):
                h = np.maximum(sequence[b, p] @ hidden + hidden_bias, 0)
                weights[b, g, p] = np.exp(h @ score[:, g] + score_bias[g])
            weights[b, g] /= weights[b, g].sum()
            glimpses.append(weights[b, g] @ sequence[b])
        filtered[b] = np.concatenate(glimpses) @ output + output_bias
    return filtered, weights


@pytest.mark.parametrize("num_glimpses", [1, 2])
def test_keeps_the_layer_contract(check_layer, sequence, num_glimpses):
    layer = AttentionPooling(6, 7, num_glimpses)
    check_layer(
        layer,
        {"sequence": sequence, "sequence_mask": MASK},
        untrained=["score_dense/bias"],
    )


@pytest.mark.parametrize("num_glimpses", [1, 3])
def test_matches_the_published_formula(sequence, num_glimpses):
    layer = make_layer(num_glimpses)
    filtered, weights = pool(layer, sequence, MASK)
    expected, expected_weights = expected_by_loops(layer, sequence)
    np.testing.assert_allclose(filtered, expected, atol=1e-5)
    np.testing.assert_allclose(
        weights.reshape(3, -1, 4), expected_weights, atol=1e-5
    )


def test_without_scores_averages_the_sequence(sequence):
    layer = make_layer()
    layer.score_dense.kernel.assign(np.zeros((6, 1)))
    filtered, weights = pool(layer, sequence)
    np.testing.assert_allclose(weights, 1 / 4, atol=1e-6)
    expected = layer.output_dense(sequence.mean(axis=1))
    np.testing.assert_allclose(
        filtered, ops.convert_to_numpy(expected), atol=1e-5
    )


def test_parameters_are_those_of_the_paper():
    layer = AttentionPooling(512, 1024)
    layer.build((None, 14, 512))
    assert layer.count_params() == 788_481


@pytest.mark.parametrize("dtype", ["bool", "int32"])
def test_padding_has_no_influence(sequence, dtype):
    layer = make_layer(2)
    filtered, weights = pool(layer, sequence, MASK.astype(dtype))
    sequence[MASK == 0] = 1e3
    longer = np.pad(sequence, [(0, 0), (0, 2), (0, 0)])
    again, others = pool(layer, longer, np.pad(MASK, [(0, 0), (0, 2)]))
    np.testing.assert_allclose(again, filtered, atol=1e-5)
    np.testing.assert_allclose(others[..., :4], weights, atol=1e-6)
    assert (others[..., 4:] == 0).all()


def test_padding_of_nan_has_no_influence(sequence):
    layer = make_layer(2)
    outputs = pool(layer, sequence, MASK)
    sequence[MASK == 0] = np.nan
    again = pool(layer, sequence, MASK)
    for output, expected in zip(again, outputs, strict=True):
        np.testing.assert_array_equal(output, expected)


def test_nothing_valid_gives_zeros(sequence):
    filtered, weights = pool(make_layer(), sequence, MASK)
    assert (filtered[1] == 0).all()
    assert (weights[1] == 0).all()


def test_takes_the_mask_attached_to_the_sequence(sequence):
    expected = pool(make_layer(), sequence, MASK)
    masked = keras.layers.Masking()(sequence * MASK[..., None])
    for found, other in zip(pool(make_layer(), masked), expected, strict=True):
        np.testing.assert_allclose(found, other, atol=1e-5)


def test_rejects_empty_sizes_and_an_unflattened_grid(sequence):
    for sizes in ([0, 7], [6, 0], [6, 7, 0]):
        with pytest.raises(ValueError, match=r"must.* Received: 0"):
            AttentionPooling(*sizes)
    with pytest.raises(ValueError, match="flatten a CNN grid first"):
        AttentionPooling(6, 7)(sequence.reshape(3, 2, 2, 5))
