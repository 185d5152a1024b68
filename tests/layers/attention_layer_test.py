import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.layers.attention_layer import AttentionLayer
from vqa_keras.layers.zero_padding import zero_padding

MASK = np.array([[1, 1, 0], [0, 0, 0], [1, 1, 1]], "int32")
SCORES = np.log([[1.0, 3.0, 9.0], [2.0, 2.0, 4.0], [1.0, 3.0, 4.0]])
WEIGHTS = [[0.25, 0.75, 0], [0, 0, 0], [0.125, 0.375, 0.5]]


class DotAttention(AttentionLayer):
    """The example of the base class."""

    def build(self, question_shape, regions_shape):
        self.check_rank("question", question_shape, "batch", "features")
        self.check_rank(
            "regions", regions_shape, "batch", "regions", "features"
        )

    def call(self, question, regions, regions_mask=None):
        regions = zero_padding(regions, regions_mask, "regions_mask")
        scores = ops.einsum("bd,bmd->bm", question, regions)
        weights = self.softmax(scores, regions_mask)
        return self.weighted_sum("bm,bmd->bd", weights, regions), weights

    def compute_output_shape(self, question_shape, regions_shape):
        return question_shape, regions_shape[:2]


class NestedAttention(DotAttention):
    def call(self, question, regions):
        filtered, weights = super().call(question, regions)
        return (filtered, regions), {"regions": weights}

    def compute_output_shape(self, question_shape, regions_shape):
        outputs = (question_shape, regions_shape)
        return outputs, {"regions": regions_shape[:2]}


@pytest.fixture
def inputs():
    rng = np.random.default_rng(0)
    return {
        "question": rng.normal(size=(3, 2)).astype("float32"),
        "regions": rng.normal(size=(3, 3, 2)).astype("float32"),
    }


def softmax(layer, scores, mask=None):
    weights = layer.softmax(
        ops.convert_to_tensor(scores),
        None if mask is None else ops.convert_to_tensor(mask),
    )
    return ops.convert_to_numpy(weights)


@pytest.mark.parametrize("dtype", ["bool", "int32", "float32"])
def test_softmax_is_over_the_valid_scores_and_zero_at_padding(dtype):
    scores = SCORES.astype("float32")
    weights = softmax(AttentionLayer(), scores, MASK.astype(dtype))
    np.testing.assert_allclose(weights, WEIGHTS, atol=1e-6)
    assert (weights[MASK == 0] == 0).all()


def test_softmax_without_a_mask_is_over_all_scores():
    weights = softmax(AttentionLayer(), SCORES.astype("float32"))
    expected = [[1 / 13, 3 / 13, 9 / 13], [0.25, 0.25, 0.5], WEIGHTS[2]]
    np.testing.assert_allclose(weights, expected, atol=1e-6)


def test_softmax_takes_a_mask_that_broadcasts():
    scores = np.stack([SCORES, SCORES], axis=1).astype("float32")  # (B, 2, M)
    weights = softmax(AttentionLayer(), scores, MASK[:, None])
    for glimpse in range(2):
        np.testing.assert_allclose(weights[:, glimpse], WEIGHTS, atol=1e-6)


@pytest.mark.parametrize("padding", [np.nan, np.inf, -np.inf])
def test_softmax_ignores_scores_of_padding_that_are_not_finite(padding):
    scores = np.where(MASK, SCORES, padding).astype("float32")
    weights = softmax(AttentionLayer(), scores, MASK)
    np.testing.assert_allclose(weights, WEIGHTS, atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_weights_of_half_scores_are_float32_and_sum_to_one(policy):
    layer = AttentionLayer(dtype=policy)
    scores = ops.cast(np.linspace(-3, 3, 196)[None], layer.compute_dtype)
    weights = softmax(layer, scores)
    assert weights.dtype == layer.weights_dtype == "float32"
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-6)


def test_weights_dtype_of_a_float64_layer_is_float64():
    if keras.config.backend() in ("jax", "numpy"):
        pytest.skip("Keras turns float64 into float32 on this backend.")
    assert AttentionLayer(dtype="float64").weights_dtype == "float64"


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_weighted_sum_has_the_dtype_of_the_vectors(policy):
    layer = AttentionLayer(dtype=policy)
    weights = ops.convert_to_tensor(WEIGHTS, "float32")
    vectors = np.arange(18).reshape(3, 3, 2)
    filtered = layer.weighted_sum(
        "bm,bmd->bd", weights, ops.cast(vectors, layer.compute_dtype)
    )
    assert ops.dtype(filtered) == layer.compute_dtype
    expected = [[1.5, 2.5], [0, 0], [14.75, 15.75]]
    np.testing.assert_allclose(ops.convert_to_numpy(filtered), expected)


@pytest.mark.parametrize("mask", [MASK, 0 * MASK])
def test_gradients_are_finite_with_padding_of_nan_alone(inputs, mask):
    if keras.config.backend() == "numpy":
        pytest.skip("NumPy has no gradients.")
    symbolic = {
        "question": keras.Input((2,), name="question"),
        "regions": keras.Input((3, 2), name="regions"),
        "regions_mask": keras.Input((3,), dtype="int32", name="regions_mask"),
    }
    projected = keras.layers.Dense(2)(symbolic["question"])
    outputs = DotAttention()(
        projected, symbolic["regions"], regions_mask=symbolic["regions_mask"]
    )
    model = keras.Model(symbolic, outputs)
    model.compile(keras.optimizers.SGD(1.0), ["mse", "mse"])
    before = model.get_weights()
    inputs["regions"][mask == 0] = np.nan
    model.train_on_batch(
        inputs | {"regions_mask": mask}, [np.ones((3, 2)), np.ones((3, 3))]
    )
    for weight, old in zip(model.get_weights(), before, strict=True):
        assert np.isfinite(weight).all()
        assert (np.abs(weight - old).max() > 1e-6) == mask.any()


def test_padding_of_nan_has_no_influence(inputs):
    expected = DotAttention()(**inputs, regions_mask=MASK)
    inputs["regions"][MASK == 0] = np.nan
    for a, b in zip(
        DotAttention()(**inputs, regions_mask=MASK), expected, strict=True
    ):
        np.testing.assert_array_equal(
            ops.convert_to_numpy(a), ops.convert_to_numpy(b)
        )


def test_specs_give_weights_float32_and_outputs_the_compute_dtype():
    question, regions = keras.Input((2,)), keras.Input((None, 2))
    layer = DotAttention(dtype="mixed_float16")
    filtered, weights = layer(question, regions)
    assert (filtered.shape, filtered.dtype) == ((None, 2), "float16")
    assert (weights.shape, weights.dtype) == ((None, None), "float32")


def test_specs_of_nested_outputs_and_weights_keep_their_structure():
    question, regions = keras.Input((2,)), keras.Input((3, 2))
    layer = NestedAttention(dtype="mixed_float16")
    (filtered, same), weights = layer(question, regions)
    assert list(weights) == ["regions"]
    assert weights["regions"].shape == (None, 3)
    assert weights["regions"].dtype == "float32"
    assert (filtered.shape, same.shape) == ((None, 2), (None, 3, 2))
    assert filtered.dtype == same.dtype == "float16"


def test_check_rank_names_the_axes_and_the_received_shape(inputs):
    with pytest.raises(ValueError) as error:
        DotAttention()(inputs["question"], inputs["regions"][:, None])
    assert str(error.value).startswith(
        "`regions` must have shape (batch, regions, features); flatten a CNN "
        "grid first. Received: regions.shape=(3, 1, 3, 2)"
    )
    with pytest.raises(ValueError) as error:
        DotAttention()(inputs["question"][:, None], inputs["regions"])
    assert str(error.value).startswith(
        "`question` must have shape (batch, features). "
        "Received: question.shape=(3, 1, 2)"
    )


def test_a_mask_of_zeros_and_ones_may_be_float_but_0_5_is_refused(inputs):
    mask = MASK.astype("float32")
    _, weights = DotAttention()(**inputs, regions_mask=mask)
    assert (ops.convert_to_numpy(weights)[MASK == 0] == 0).all()
    mask[0, 1] = 0.5
    with pytest.raises(
        ValueError,
        match="`regions_mask` must be 0 at padding and 1.*value 0.5",
    ):
        DotAttention()(**inputs, regions_mask=mask)
