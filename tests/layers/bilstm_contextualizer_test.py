import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import BiLSTMContextualizer
from vqa_keras.layers import ParametricAttention

# The second row has padding between its regions.
MASK = np.array([[1, 1, 1, 0], [0, 1, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1]])
MASK = MASK.astype("int32")


@pytest.fixture
def regions():
    return np.random.default_rng(0).normal(size=(4, 4, 6)).astype("float32")


def contextualize(layer, regions, mask=None):
    return ops.convert_to_numpy(layer(regions, regions_mask=mask))


def randomized(layer, regions):
    """Gives every weight, biases included, a random value."""
    layer(regions)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.weights])
    return layer


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def read(layer, name, regions):
    """The states of one LSTM over the regions, one at a time, in float64."""
    kernel, recurrent, bias = (
        next(
            ops.convert_to_numpy(w).astype("float64")
            for w in layer.weights
            if w.path.endswith(f"{name}/lstm_cell/{part}")
        )
        for part in ("kernel", "recurrent_kernel", "bias")
    )
    h = c = np.zeros(len(recurrent))
    states = []
    for region in regions:
        i, f, g, o = np.split(region @ kernel + h @ recurrent + bias, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        states.append(h)
    return np.stack(states)


def expected_by_loops(layer, regions, mask):
    expected = np.zeros(regions.shape)
    for b in range(len(regions)):
        context = regions[b][mask[b] > 0].astype("float64")
        if not len(context):
            continue
        for n in range(1, layer.num_layers + 1):
            forward = read(layer, f"forward_lstm_{n}", context)
            backward = read(layer, f"backward_lstm_{n}", context[::-1])[::-1]
            if layer.sum_directions:
                found = forward + backward
            else:
                found = np.concatenate([forward, backward], axis=1)
            context = context * layer.residual + found
        expected[b][mask[b] > 0] = context
    return expected


def test_keeps_the_layer_contract(check_layer, regions):
    layer = BiLSTMContextualizer(sum_directions=True, residual=True)
    check_layer(layer, {"regions": regions, "regions_mask": MASK})


def test_keeps_the_layer_contract_without_a_mask(check_layer, regions):
    check_layer(BiLSTMContextualizer(), {"regions": regions})


@pytest.mark.parametrize(
    ("num_layers", "sum_directions", "residual"),
    [(1, False, False), (2, False, True), (2, True, False)],
)
def test_matches_the_formula(regions, num_layers, sum_directions, residual):
    layer = BiLSTMContextualizer(num_layers, sum_directions, residual)
    randomized(layer, regions)
    np.testing.assert_allclose(
        contextualize(layer, regions, MASK),
        expected_by_loops(layer, regions, MASK),
        atol=1e-5,
    )
    np.testing.assert_allclose(
        contextualize(layer, regions),
        expected_by_loops(layer, regions, np.ones_like(MASK)),
        atol=1e-5,
    )


@pytest.mark.parametrize("fill", [1e3, np.nan])
@pytest.mark.parametrize("dtype", ["bool", "int32"])
def test_padding_has_no_influence(regions, dtype, fill):
    layer = randomized(BiLSTMContextualizer(2, residual=True), regions)
    context = contextualize(layer, regions, MASK.astype(dtype))
    regions[MASK == 0] = fill
    padding = np.full((4, 3, 6), -fill, "float32")
    again = contextualize(
        layer,
        np.concatenate([regions, padding], axis=1),
        np.pad(MASK, [(0, 0), (0, 3)]).astype(dtype),
    )
    np.testing.assert_allclose(again[:, :4], context, atol=1e-5)
    assert (context[MASK == 0] == 0).all()
    assert (again[:, 4:] == 0).all()


def test_every_region_knows_of_every_other_and_their_order(regions):
    layer = randomized(BiLSTMContextualizer(), regions)
    context = contextualize(layer, regions)
    for m in range(4):
        changed = regions.copy()
        changed[:, m] += 1
        moved = np.abs(contextualize(layer, changed) - context).max(axis=-1)
        assert (moved > 1e-4).all()
    flipped = contextualize(layer, regions[:, ::-1])[:, ::-1]
    assert np.abs(flipped - context).max() > 1e-2


def test_takes_the_mask_attached_to_regions_and_hands_it_on(regions):
    regions[:, -1] = 0.0
    masked = keras.layers.Masking()(regions)
    layer = BiLSTMContextualizer()
    context = layer(masked)
    assert (ops.convert_to_numpy(context)[:, -1] == 0).all()
    _, weights = ParametricAttention(3)(regions[:, 0], context)
    assert (ops.convert_to_numpy(weights)[:, -1] == 0).all()


@pytest.mark.parametrize("num_layers", [1, 3])
def test_parameters_are_those_of_the_lstms(num_layers):
    d = 6
    for sum_directions, units in [(False, d // 2), (True, d)]:
        layer = BiLSTMContextualizer(num_layers, sum_directions)
        layer.build((None, 4, d))
        one_lstm = 4 * units * (d + units + 1)
        assert layer.count_params() == num_layers * 2 * one_lstm


def test_weight_paths_name_direction_and_layer(regions):
    layer = BiLSTMContextualizer(num_layers=2, name="context")
    layer(regions)
    assert {w.path.rsplit("/", 2)[0] for w in layer.weights} == {
        f"context/{direction}_lstm_{n}"
        for direction in ("forward", "backward")
        for n in (1, 2)
    }


def test_rejects_what_it_cannot_read(regions):
    with pytest.raises(ValueError, match="`num_layers` must.* Received: 0"):
        BiLSTMContextualizer(num_layers=0)
    with pytest.raises(ValueError, match="flatten a CNN grid first"):
        BiLSTMContextualizer()(regions[:, None])
    with pytest.raises(ValueError, match=r"must be even.*shape=\(4, 4, 5\)"):
        BiLSTMContextualizer()(regions[..., :5])
    with pytest.raises(ValueError, match=r"`regions_mask` must.*\(4, 3\)"):
        BiLSTMContextualizer()(regions, regions_mask=MASK[:, :3])
