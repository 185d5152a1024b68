import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import TransformerDecoderBlock
from vqa_keras.layers import TransformerEncoderBlock

SEQUENCE_MASK = np.array([[1, 1, 0], [1, 1, 1], [0, 0, 0]], "int32")
CONTEXT_MASK = np.array([[1, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]], "int32")
BLOCKS = {
    "encoder": TransformerEncoderBlock,
    "decoder": TransformerDecoderBlock,
}
UNTRAINED = ["attention/key_dense/bias"]


@pytest.fixture(params=BLOCKS)
def kind(request):
    return request.param


@pytest.fixture
def inputs(kind):
    rng = np.random.default_rng(0)
    inputs = {
        "sequence": rng.normal(size=(3, 3, 8)).astype("float32"),
        "sequence_mask": SEQUENCE_MASK,
    }
    if kind == "decoder":
        inputs["context"] = rng.normal(size=(3, 4, 6)).astype("float32")
        inputs["context_mask"] = CONTEXT_MASK
    return inputs


@pytest.fixture
def block(kind, inputs):
    """Two heads of four units, every weight and bias random."""
    block = BLOCKS[kind](2, 5)
    block(**inputs)
    rng = np.random.default_rng(1)
    block.set_weights([rng.normal(size=w.shape) for w in block.weights])
    return block


def run(block, inputs):
    outputs = keras.tree.flatten(block(**inputs))
    return [ops.convert_to_numpy(t) for t in outputs]


class Oracle:
    """The formula in NumPy, for the valid positions of one example."""

    def __init__(self, block):
        self.weights = {
            w.path.split("/", 1)[1]: ops.convert_to_numpy(w)
            for w in block.weights
        }

    def dense(self, name, x):
        return x @ self.weights[f"{name}/kernel"] + self.weights[f"{name}/bias"]

    def norm(self, name, x):
        rows = []
        for row in x:
            scaled = (row - row.mean()) / np.sqrt(row.var() + 1e-6)
            rows.append(
                self.weights[f"{name}/gamma"] * scaled
                + self.weights[f"{name}/beta"]
            )
        return np.array(rows)

    def attend(self, name, x, context):
        q, k, v = (
            np.split(self.dense(f"{name}/{part}_dense", y), 2, axis=-1)
            for part, y in [("query", x), ("key", context), ("value", context)]
        )
        found, weights = [], []
        for h in range(2):
            scores = np.exp(q[h] @ k[h].T / 2)
            weights.append(scores / scores.sum(axis=-1, keepdims=True))
            found.append(weights[h] @ v[h])
        found = self.dense(f"{name}/output_dense", np.concatenate(found, -1))
        return self.norm(f"{name}_norm", x + found), np.array(weights)

    def block(self, x, context=None):
        x, weights = self.attend("self_attention", x, x)
        all_weights = [weights]
        if context is not None and len(context):
            x, weights = self.attend("cross_attention", x, context)
            all_weights.append(weights)
        elif context is not None:
            x = self.norm("cross_attention_norm", x)
            all_weights.append(np.zeros((2, len(x), 0)))
        hidden = np.maximum(self.dense("intermediate_dense", x), 0)
        return [
            self.norm("output_norm", x + self.dense("output_dense", hidden)),
            *all_weights,
        ]


def test_keeps_the_layer_contract(check_layer, kind, inputs):
    check_layer(BLOCKS[kind](2, 5, dropout=0.1), inputs, UNTRAINED)


def test_matches_the_published_formula(block, inputs):
    sequence, *all_weights = run(block, inputs)
    context = inputs.get("context")
    for b, mask in enumerate(SEQUENCE_MASK):
        real = np.flatnonzero(mask)
        assert (sequence[b, mask == 0] == 0).all()
        answering = [real]
        arguments = [inputs["sequence"][b, real]]
        if context is not None:
            answering.append(np.flatnonzero(CONTEXT_MASK[b]))
            arguments.append(context[b, answering[1]])
        if not len(real):
            continue
        expected, *expected_weights = Oracle(block).block(*arguments)
        np.testing.assert_allclose(sequence[b, real], expected, atol=1e-5)
        for weights, columns, other in zip(
            all_weights, answering, expected_weights, strict=True
        ):
            full = np.zeros(weights[b].shape)
            full[np.ix_(range(2), real, columns)] = other
            np.testing.assert_allclose(weights[b], full, atol=1e-5)


def test_parameters_are_those_of_the_paper(kind):
    block = BLOCKS[kind]()
    shapes = [(None, 14, 512)] if kind == "encoder" else [(None, 9, 512)] * 2
    block.build(*shapes)
    expected = {"encoder": 3_152_384, "decoder": 4_204_032}
    assert block.count_params() == expected[kind]


@pytest.mark.parametrize("padding", [1e3, np.nan])
def test_padding_has_no_influence(block, inputs, padding):
    outputs = run(block, inputs)
    inputs["sequence"][SEQUENCE_MASK == 0] = padding
    if "context" in inputs:
        inputs["context"][CONTEXT_MASK == 0] = padding
    for found, output in zip(run(block, inputs), outputs, strict=True):
        np.testing.assert_allclose(found, output, atol=1e-5)
    longer = {
        name: np.pad(x, [(0, 0), (0, 2), (0, 0)][: x.ndim], constant_values=0)
        for name, x in inputs.items()
    }
    again, *all_weights = run(block, longer)
    np.testing.assert_allclose(again[:, :3], outputs[0], atol=1e-5)
    assert (again[:, 3:] == 0).all()
    for weights in all_weights:
        assert (weights[:, :, 3:] == 0).all()
        assert (weights[..., -2:] == 0).all()


def test_nothing_valid_gives_zeros(block, inputs):
    sequence, *all_weights = run(block, inputs)
    assert (sequence[2] == 0).all()
    assert all((weights[2] == 0).all() for weights in all_weights)
    assert np.isfinite(sequence).all()


def test_order_of_positions_does_not_matter(block, inputs):
    sequence, *_ = run(block, inputs)
    for name in ("sequence", "sequence_mask"):
        inputs[name] = inputs[name][:, ::-1]
    again, *_ = run(block, inputs)
    np.testing.assert_allclose(again[:, ::-1], sequence, atol=1e-5)


def test_takes_the_masks_attached_to_its_inputs(block, inputs):
    expected = run(block, inputs)
    for name in ("sequence", "context"):
        if name in inputs:
            mask = inputs.pop(f"{name}_mask")[..., None]
            inputs[name] = keras.layers.Masking()(inputs[name] * mask)
    for found, other in zip(run(block, inputs), expected, strict=True):
        np.testing.assert_allclose(found, other, atol=1e-5)


def test_drops_in_training_only(kind, inputs):
    block = BLOCKS[kind](2, 5, dropout=0.5)
    first, second = (
        ops.convert_to_numpy(block(**inputs, training=True)[0])
        for _ in range(2)
    )
    assert np.abs(first - second).max() > 0.1
    np.testing.assert_array_equal(run(block, inputs)[0], run(block, inputs)[0])


def test_weight_paths_name_the_sublayer(block):
    paths = {w.path.split("/", 1)[1] for w in block.weights}
    assert {
        "self_attention/query_dense/kernel",
        "self_attention_norm/gamma",
        "intermediate_dense/kernel",
        "output_norm/beta",
    } <= paths


def test_rejects_heads_that_do_not_divide_the_width(kind, inputs):
    with pytest.raises(ValueError, match=r"must divide.*num_heads=3"):
        BLOCKS[kind](3)(**inputs)
    with pytest.raises(ValueError, match="`num_heads` must.* Received: 0"):
        BLOCKS[kind](0)
    with pytest.raises(ValueError, match="`intermediate_dim` must.*: 0"):
        BLOCKS[kind](2, 0)
