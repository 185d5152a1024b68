import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import CNNLayerAttention

SIZES = [(4, 6, 3), (2, 3, 5), (4, 3, 4)]
MODES = pytest.mark.parametrize("use_content", [False, True])


@pytest.fixture
def inputs():
    rng = np.random.default_rng(0)
    return {
        "question": rng.normal(size=(2, 7)).astype("float32"),
        "grids": [
            rng.normal(size=(2, *size)).astype("float32") for size in SIZES
        ],
    }


def make(inputs, **arguments):
    """A layer with random weights and biases."""
    layer = CNNLayerAttention(8, **arguments)
    layer(**inputs)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.weights])
    return layer


def run(layer, **inputs):
    return [ops.convert_to_numpy(t) for t in layer(**inputs)]


def weight(layer, path):
    (found,) = (w for w in layer.weights if w.path.endswith(path))
    return ops.convert_to_numpy(found).astype("float64")


def pooled(grid, height=2, width=3):
    """The largest value of every block of cells, one channel at a time."""
    h, w, channels = grid.shape
    rows, columns = h // height, w // width
    cells = np.zeros((height, width, channels))
    for i, j, c in np.ndindex(cells.shape):
        block = grid[i * rows : (i + 1) * rows, j * columns : (j + 1) * columns]
        cells[i, j, c] = block[..., c].max()
    return cells.reshape(-1, channels)


def expected_regions(layer, grid, i):
    regions = pooled(grid) @ weight(layer, f"grid_{i}_dense/kernel")
    regions = regions + weight(layer, f"grid_{i}_dense/bias")
    return regions / np.linalg.norm(regions, axis=1, keepdims=True)


def expected_weights(layer, question, regions_of_layers):
    """The mean of the heads' softmaxes over the CNN layers."""
    asked = question @ weight(layer, "question_dense/kernel")
    asked = asked + weight(layer, "question_dense/bias")
    score = weight(layer, "score_dense/kernel")
    if layer.use_content:
        seen = weight(layer, "/regions_dense/kernel")
        scores = np.zeros((layer.num_heads, len(regions_of_layers)))
        for i, regions in enumerate(regions_of_layers):
            for region in regions:
                scores[:, i] += np.tanh(asked + region @ seen) @ score
        scores /= len(regions)
    else:
        scores = np.maximum(asked, 0) @ score
        scores = scores + weight(layer, "score_dense/bias")
        scores = scores.reshape(layer.num_heads, -1)
    exps = np.exp(scores)
    return (exps / exps.sum(axis=1, keepdims=True)).mean(axis=0)


@MODES
def test_keeps_the_layer_contract(check_layer, inputs, use_content):
    layer = CNNLayerAttention(8, use_content=use_content, num_heads=2)
    check_layer(layer, inputs)


@MODES
@pytest.mark.parametrize("num_heads", [1, 3])
def test_matches_the_published_formula(inputs, use_content, num_heads):
    layer = make(inputs, use_content=use_content, num_heads=num_heads)
    regions, weights = run(layer, **inputs)
    for b, question in enumerate(inputs["question"]):
        layers = [
            expected_regions(layer, grid[b], i)
            for i, grid in enumerate(inputs["grids"], 1)
        ]
        expected = expected_weights(layer, question, layers)
        np.testing.assert_allclose(weights[b], expected, atol=1e-5)
        mixed = sum(p * v for p, v in zip(expected, layers, strict=True))
        np.testing.assert_allclose(regions[b], mixed, atol=1e-5)


@MODES
@pytest.mark.filterwarnings("ignore:.*softmax over axis:UserWarning")
def test_one_layer_is_the_identity_on_its_regions(inputs, use_content):
    inputs["grids"] = inputs["grids"][1:2]
    layer = make(inputs, use_content=use_content)
    regions, weights = run(layer, **inputs)
    np.testing.assert_array_equal(weights, np.ones((2, 1)))
    for b, grid in enumerate(inputs["grids"][0]):
        expected = expected_regions(layer, grid, 1)
        np.testing.assert_allclose(regions[b], expected, atol=1e-5)


def test_only_the_content_form_depends_on_the_grids(inputs):
    changed = {**inputs, "grids": [-grid for grid in inputs["grids"]]}
    for use_content in (False, True):
        layer = make(inputs, use_content=use_content)
        weights, other = run(layer, **inputs)[1], run(layer, **changed)[1]
        assert np.array_equal(weights, other) != use_content


@MODES
def test_the_question_moves_the_weights(inputs, use_content):
    layer = make(inputs, use_content=use_content)
    _, weights = run(layer, **inputs)
    _, other = run(layer, **{**inputs, "question": -inputs["question"]})
    assert np.abs(weights - other).max() > 1e-3


@MODES
def test_order_of_the_cells_does_not_matter(inputs, use_content):
    layer = make(inputs, use_content=use_content)
    regions, weights = run(layer, **inputs)
    flipped = [grid[:, ::-1, ::-1] for grid in inputs["grids"]]
    again, same = run(layer, question=inputs["question"], grids=flipped)
    np.testing.assert_allclose(same, weights, atol=1e-5)
    np.testing.assert_allclose(again[:, ::-1], regions, atol=1e-5)


def test_parameters_are_those_of_the_formula(inputs):
    channels, d, k, q, heads = sum(c for *_, c in SIZES), 8, 4, 7, 2
    shared = channels * d + 3 * d + (q + 1) * k
    question_only = make(inputs, num_heads=heads)
    assert question_only.count_params() == shared + (k + 1) * heads * 3
    content = make(inputs, use_content=True, num_heads=heads)
    assert content.count_params() == shared + d * k + k * heads


def test_a_grid_of_zeros_has_a_finite_output(inputs):
    inputs["grids"][0][:] = 0
    layer = CNNLayerAttention(8, dtype="mixed_float16")
    inputs["grids"][1][:] *= 1e3  # squares beyond float16
    for output in run(layer, **inputs):
        assert np.isfinite(output).all()


def test_rejects_sizes_that_are_no_multiples_of_the_smallest(inputs):
    grids = [np.zeros((2, h, w, 3), "float32") for h, w in [(5, 4), (2, 2)]]
    with pytest.raises(ValueError, match=r"whole mult.*\[\(5, 4\), \(2, 2\)\]"):
        CNNLayerAttention(8)(inputs["question"], grids)
    grids = [np.zeros((2, h, w, 3), "float32") for h, w in [(4, 2), (2, 4)]]
    with pytest.raises(ValueError, match="whole multiples of the smallest"):
        CNNLayerAttention(8)(inputs["question"], grids)


def test_rejects_what_is_no_list_of_grids(inputs):
    question, grids = inputs["question"], inputs["grids"]
    for wrong in (grids[0], [grids[0].reshape(2, 24, 3)]):
        with pytest.raises(ValueError, match="`grids` must be a list.*Receiv"):
            CNNLayerAttention(8)(question, wrong)
    with pytest.raises(ValueError, match=r"`question` must.*\(2, 1, 7\)"):
        CNNLayerAttention(8)(question[:, None], grids)


def test_rejects_sizes_too_small():
    with pytest.raises(ValueError, match="`hidden_dim` must.*Received: 1"):
        CNNLayerAttention(1)
    with pytest.raises(ValueError, match="`num_heads` must.*Received: 0"):
        CNNLayerAttention(8, num_heads=0)
