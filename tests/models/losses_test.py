import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.models.losses import AnswerBinaryCrossentropy


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    scores = rng.choice([0, 0.3, 0.6, 0.9, 1], size=(4, 7)).astype("float32")
    logits = 3 * rng.normal(size=(4, 7)).astype("float32")
    return scores, logits


def losses_of(scores, logits):
    """Binary cross entropy by its definition, in float64: `(B,)`."""
    p = 1 / (1 + np.exp(-logits.astype("float64")))
    return -(scores * np.log(p) + (1 - scores) * np.log(1 - p)).sum(axis=-1)


def test_is_the_sum_over_answers_and_the_mean_over_the_batch(batch):
    loss = float(AnswerBinaryCrossentropy()(*batch))
    assert loss == pytest.approx(losses_of(*batch).mean(), rel=1e-5)


def test_is_as_many_times_that_of_keras_as_there_are_answers(batch):
    mean_over_answers = keras.losses.BinaryCrossentropy(from_logits=True)
    loss = float(AnswerBinaryCrossentropy()(*batch))
    assert loss == pytest.approx(7 * float(mean_over_answers(*batch)), rel=1e-5)


def test_sample_weight_weights_the_questions(batch):
    weight = np.array([1, 0, 2, 0.5], "float32")
    loss = AnswerBinaryCrossentropy()(*batch, sample_weight=weight)
    expected = (weight * losses_of(*batch)).mean()
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_reduction_none_gives_a_loss_for_each_question(batch):
    losses = AnswerBinaryCrossentropy(reduction=None)(*batch)
    losses = ops.convert_to_numpy(losses)
    np.testing.assert_allclose(losses, losses_of(*batch), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_summed_in_float32(dtype):
    # 3,000 answers of log(2): 2079.4 is no number of either half precision.
    scores = np.zeros((2, 3000), "float32")
    logits = ops.cast(scores, dtype)
    losses = AnswerBinaryCrossentropy().call(ops.cast(scores, dtype), logits)
    assert keras.backend.standardize_dtype(losses.dtype) == "float32"
    loss = float(AnswerBinaryCrossentropy()(scores, logits))
    assert loss == pytest.approx(3000 * np.log(2), rel=1e-5)


def test_large_logits_cost_their_size_and_nothing_when_right():
    logits = np.array([[3e4, -3e4], [3e4, -3e4]], "float32")
    scores = np.array([[1, 0], [0, 1]], "float32")
    losses = AnswerBinaryCrossentropy(reduction=None)(scores, logits)
    losses = ops.convert_to_numpy(losses)
    np.testing.assert_allclose(losses, [0, 6e4], rtol=1e-6)


def test_gradient_is_the_probability_minus_the_score(batch):
    scores, logits = batch
    logits[0, 0] = 0.0
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(7)])
    model.layers[-1].set_weights([logits, np.zeros(7, "float32")])
    model.compile(keras.optimizers.SGD(1.0), AnswerBinaryCrossentropy())
    model.train_on_batch(np.eye(4, dtype="float32"), scores)
    moved = logits - model.layers[-1].get_weights()[0]
    expected = (1 / (1 + np.exp(-logits)) - scores) / 4
    np.testing.assert_allclose(moved, expected, atol=1e-5)


def test_comes_back_from_its_config():
    loss = AnswerBinaryCrossentropy(reduction="sum", name="answers")
    config = keras.saving.serialize_keras_object(loss)
    twin = keras.saving.deserialize_keras_object(config)
    assert isinstance(twin, AnswerBinaryCrossentropy)
    assert twin.get_config() == loss.get_config()


def test_rejects_other_shapes(batch):
    scores, logits = batch
    for wrong in (scores[:, :3], scores[:, :1], scores[:, 0], scores[None]):
        with pytest.raises(ValueError, match=r"\(batch, answers\). Received"):
            AnswerBinaryCrossentropy()(wrong, logits)
