import keras
from keras import KerasTensor
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.check_mask import check_mask


@keras.saving.register_keras_serializable(package="vqa_keras")
class AttentionSummary(keras.layers.Layer):
    """A sequence weighs its own elements and becomes one vector.

        scores_i = W_2 relu(W_1 x_i + b_1)             one score a glimpse
        p_i      = mean_glimpses softmax_i(scores_i)
        filtered = sum_i p_i x_i

    No question asks: what matters must be in the elements already, as it is
    after co-attention.

    Args:
        num_glimpses: int. Number of softmaxes that are averaged. Defaults to 4.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        sequence: words or regions, `(B, P, D)`.
        sequence_mask: optional bool or int, `(B, P)`, 0 at padding. Defaults
            to the Keras mask attached to `sequence`.

    Returns:
        filtered: `(B, D)`, the elements averaged by attention weight.
        weights: `(B, P)`, the mean of the glimpses, 0 at padding, summing to 1
            over the other elements. Without a valid element both are zeros.
            Softmax and weights are float32 also under mixed precision.

    Raises:
        ValueError: if `num_glimpses < 1` or `sequence` is not of rank 3.

    Departure from the paper: no bias on the scores, which softmax would
    cancel.

    Reference:
        [Nguyen and Okatani, 2018](https://arxiv.org/abs/1804.00775).
    """

    def __init__(self, num_glimpses=4, **kwargs):
        super().__init__(**kwargs)
        check_size("num_glimpses", num_glimpses)
        self.num_glimpses = num_glimpses
        self.score_dense = keras.layers.Dense(
            num_glimpses,
            use_bias=False,
            dtype=self.dtype_policy,
            name="score_dense",
        )
        self.softmax = keras.layers.Softmax(
            dtype=keras.backend.result_type(self.compute_dtype, "float32"),
            name="softmax",
        )

    def build(self, sequence_shape):
        if len(sequence_shape) != 3:
            raise ValueError(
                "`sequence` must have shape (batch, elements, features). "
                f"Received: sequence.shape={sequence_shape}"
            )
        self.hidden_dense = keras.layers.Dense(
            sequence_shape[-1],
            activation="relu",
            dtype=self.dtype_policy,
            name="hidden_dense",
        )
        self.hidden_dense.build(sequence_shape)
        self.score_dense.build(sequence_shape)

    def call(self, sequence, sequence_mask=None):
        check_mask("sequence_mask", sequence_mask, sequence)
        scores = self.score_dense(self.hidden_dense(sequence))  # (B, P, G)
        scores = ops.swapaxes(scores, 1, 2)
        if sequence_mask is not None:
            sequence_mask = sequence_mask[:, None]  # (B, 1, P)
        weights = self.softmax(scores, mask=sequence_mask)
        weights = ops.mean(weights, axis=1)  # (B, P)
        filtered = ops.einsum(
            "bp,bpd->bd", ops.cast(weights, self.compute_dtype), sequence
        )
        return filtered, weights

    def compute_output_shape(self, sequence_shape):
        batch, length, dim = sequence_shape
        return (batch, dim), (batch, length)

    def compute_output_spec(self, sequence, sequence_mask=None):
        filtered, weights = self.compute_output_shape(sequence.shape)
        return (
            KerasTensor(filtered, dtype=self.compute_dtype),
            KerasTensor(weights, dtype=self.softmax.compute_dtype),
        )

    def get_config(self):
        return {**super().get_config(), "num_glimpses": self.num_glimpses}
