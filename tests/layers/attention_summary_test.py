import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import AttentionSummary

MASK = np.array([[1, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]], "int32")


@pytest.fixture
def sequence():
    return np.random.default_rng(0).normal(size=(3, 4, 6)).astype("float32")


@pytest.fixture
def layer(sequence):
    """Three glimpses with random weights and biases."""
    layer = AttentionSummary(num_glimpses=3)
    layer(sequence)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.weights])
    return layer


def run(layer, *args, **kwargs):
    return [ops.convert_to_numpy(t) for t in layer(*args, **kwargs)]


def test_keeps_the_layer_contract(check_layer, sequence):
    check_layer(
        AttentionSummary(), {"sequence": sequence, "sequence_mask": MASK}
    )
    check_layer(AttentionSummary(), {"sequence": sequence})


def test_matches_the_published_formula(layer, sequence):
    filtered, weights = run(layer, sequence, sequence_mask=MASK)
    kernel, bias, score = (ops.convert_to_numpy(w) for w in _ordered(layer))
    for b, valid in enumerate(MASK):
        expected = np.zeros(4)
        for glimpse in range(3):
            exps = np.zeros(4)
            for i in np.flatnonzero(valid):
                hidden = np.maximum(sequence[b, i] @ kernel + bias, 0)
                exps[i] = np.exp(hidden @ score[:, glimpse])
            expected += exps / (exps.sum() or 1) / 3
        np.testing.assert_allclose(weights[b], expected, atol=1e-5)
        np.testing.assert_allclose(
            filtered[b], expected @ sequence[b], atol=1e-5
        )


def _ordered(layer):
    ends = ("hidden_dense/kernel", "hidden_dense/bias", "score_dense/kernel")
    paths = {w.path: w for w in layer.weights}
    assert len(paths) == len(ends)
    return [next(w for p, w in paths.items() if p.endswith(e)) for e in ends]


def test_padding_has_no_influence(layer, sequence):
    filtered, weights = run(layer, sequence, sequence_mask=MASK)
    sequence[MASK == 0] = 1e3
    sequence = np.pad(sequence, [(0, 0), (0, 2), (0, 0)])
    mask = np.pad(MASK, [(0, 0), (0, 2)]).astype("bool")
    again, padded = run(layer, sequence, sequence_mask=mask)
    assert (weights[MASK == 0] == 0).all()
    assert (padded[:, 4:] == 0).all()
    np.testing.assert_allclose(padded[:, :4], weights, atol=1e-6)
    np.testing.assert_allclose(again, filtered, atol=1e-5)


def test_padding_of_nan_has_no_influence(layer, sequence):
    outputs = run(layer, sequence, sequence_mask=MASK)
    sequence[MASK == 0] = np.nan
    again = run(layer, sequence, sequence_mask=MASK)
    for output, expected in zip(again, outputs, strict=True):
        np.testing.assert_array_equal(output, expected)


def test_takes_the_mask_attached_to_the_sequence(layer, sequence):
    expected = run(layer, sequence, sequence_mask=MASK)
    masked = keras.layers.Masking()(sequence * MASK[..., None])
    for output, other in zip(run(layer, masked), expected, strict=True):
        np.testing.assert_allclose(output, other, atol=1e-6)


def test_nothing_valid_gives_zeros(layer, sequence):
    for output in run(layer, sequence, sequence_mask=MASK):
        assert (output[1] == 0).all()


def test_order_of_the_elements_does_not_matter(layer, sequence):
    filtered, weights = run(layer, sequence)
    again, flipped = run(layer, sequence[:, ::-1])
    np.testing.assert_allclose(again, filtered, atol=1e-5)
    np.testing.assert_allclose(flipped, weights[:, ::-1], atol=1e-5)


def test_rejects_no_glimpses_and_an_unflattened_grid(sequence):
    with pytest.raises(ValueError, match="`num_glimpses` must.*Received: 0"):
        AttentionSummary(0)
    with pytest.raises(ValueError, match="`sequence` must.*Received"):
        AttentionSummary()(sequence.reshape(3, 2, 2, 6))
