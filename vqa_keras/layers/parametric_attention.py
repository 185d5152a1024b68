import keras
from keras import KerasTensor
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.check_mask import check_mask


@keras.saving.register_keras_serializable(package="vqa_keras")
class ParametricAttention(keras.layers.Layer):
    """One attention hop: a question embedding attends to image regions.

    A small network sees the question with each region i, and its scores are
    normalized over the regions:

        h_i      = tanh(W_I v_i + W_Q v_Q + b_Q)
        p_i      = softmax_i(w_h . h_i)
        filtered = sum_i p_i v_i

    The article prints h_i without the tanh. Taken literally, the question then
    adds the same amount to the score of every region and the softmax cancels
    it: the attention ignores the question (`activation=None`). A bias on the
    score is cancelled in the same way, so there is none unless asked for.

    With several glimpses, w_h has a column for each: every glimpse has scores
    and a softmax of its own on the one h_i, and what they find is concatenated.

    Args:
        attention_dim: int. Width K of the space where question and region meet.
        activation: the function around the sum, anything that
            `keras.activations.get` takes. Defaults to `"tanh"`, the form of the
            paper. `None` gives the article's printed formula, whose weights do
            not depend on the question.
        use_score_bias: bool. Adds the printed formula's bias b_h to every
            score. It changes no output and its gradient is zero; for parameter
            counts that match the paper's 2DK + 2K + 1. Defaults to `False`.
        num_glimpses: int. Number of glimpses G. Defaults to 1.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        question: question embedding, `(B, D_Q)`.
        regions: region embeddings, `(B, M, D)`.
        regions_mask: optional bool or int, `(B, M)`, 0 at padding. Defaults to
            the Keras mask attached to `regions`.

    Returns:
        filtered: `(B, D)`, the regions averaged by attention weight; `(B, G D)`
            with several glimpses.
        weights: `(B, M)`, 0 at padding, summing to 1 over the other regions;
            `(B, G, M)` with several glimpses. An image with no valid region
            gets all-zero weights and `filtered`. Softmax and weights are
            float32 also under mixed precision.

    Raises:
        ValueError: if `attention_dim < 1` or `num_glimpses < 1`, `question` is
            not of rank 2 or `regions` not of rank 3.

    Departure from the paper: its released code puts a tanh on each projection
    and another on the score, which caps the largest weight at 3.65 % of 196
    regions. This is the printed form, which can attend sharply.

    References:
        [Yang et al., 2016](https://arxiv.org/abs/1511.02274).
        [Kazemi and Elqursh, 2017](https://arxiv.org/abs/1704.03162), glimpses.
    """

    def __init__(
        self,
        attention_dim,
        activation="tanh",
        use_score_bias=False,
        num_glimpses=1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_size("attention_dim", attention_dim)
        check_size("num_glimpses", num_glimpses)
        self.attention_dim = attention_dim
        self.activation = keras.activations.get(activation)
        self.use_score_bias = use_score_bias
        self.num_glimpses = num_glimpses
        dtype = self.dtype_policy
        self.question_dense = keras.layers.Dense(
            attention_dim, dtype=dtype, name="question_dense"
        )
        self.regions_dense = keras.layers.Dense(
            attention_dim, use_bias=False, dtype=dtype, name="regions_dense"
        )
        self.score_dense = keras.layers.Dense(
            num_glimpses,
            use_bias=use_score_bias,
            dtype=dtype,
            name="score_dense",
        )
        self.softmax = keras.layers.Softmax(
            dtype=keras.backend.result_type(self.compute_dtype, "float32"),
            name="softmax",
        )

    def build(self, question_shape, regions_shape):
        if len(question_shape) != 2:
            raise ValueError(
                "`question` must have shape (batch, features). "
                f"Received: question.shape={question_shape}"
            )
        if len(regions_shape) != 3:
            raise ValueError(
                "`regions` must have shape (batch, regions, features); flatten "
                f"a CNN grid first. Received: regions.shape={regions_shape}"
            )
        self.question_dense.build(question_shape)
        self.regions_dense.build(regions_shape)
        self.score_dense.build((*regions_shape[:-1], self.attention_dim))

    def call(self, question, regions, regions_mask=None):
        check_mask("regions_mask", regions_mask, regions)
        question = ops.expand_dims(self.question_dense(question), axis=1)
        hidden = self.activation(self.regions_dense(regions) + question)
        scores = ops.swapaxes(self.score_dense(hidden), 1, 2)  # (B, G, M)
        if regions_mask is not None:
            regions_mask = ops.expand_dims(regions_mask, axis=1)
        # A copy, since Keras would hand the softmax's mask on to its losses.
        weights = ops.copy(self.softmax(scores, mask=regions_mask))
        filtered = ops.einsum(
            "bgm,bmd->bgd", ops.cast(weights, self.compute_dtype), regions
        )
        filtered = ops.reshape(
            filtered, (-1, self.num_glimpses * regions.shape[-1])
        )
        if self.num_glimpses == 1:
            weights = ops.squeeze(weights, axis=1)
        return filtered, weights

    def compute_output_shape(self, question_shape, regions_shape):
        batch, num_regions, dim = regions_shape
        if self.num_glimpses == 1:
            return (batch, dim), (batch, num_regions)
        return (
            (batch, self.num_glimpses * dim),
            (batch, self.num_glimpses, num_regions),
        )

    def compute_output_spec(self, question, regions, regions_mask=None):
        filtered, weights = self.compute_output_shape(
            question.shape, regions.shape
        )
        return (
            KerasTensor(filtered, dtype=self.compute_dtype),
            KerasTensor(weights, dtype=self.softmax.compute_dtype),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "attention_dim": self.attention_dim,
            "activation": keras.activations.serialize(self.activation),
            "use_score_bias": self.use_score_bias,
            "num_glimpses": self.num_glimpses,
        }
