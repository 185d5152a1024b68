import keras
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.attention_layer import AttentionLayer
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class AttentionSummary(AttentionLayer):
    """Pools a sequence to one vector by the mean of several self-attentions.

        scores_i = W_2 relu(W_1 x_i + b_1)             one score a glimpse
        p_i      = mean_glimpses softmax_i(scores_i)
        filtered = sum_i p_i x_i

    There is no query: the elements must be conditioned on the other side
    already, as they are after co-attention.

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

    def build(self, sequence_shape):
        self.check_rank(
            "sequence", sequence_shape, "batch", "regions", "features"
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
        if sequence_mask is None:
            # Keras hands on masks by name only between several inputs.
            sequence_mask = getattr(sequence, "_keras_mask", None)
        sequence = zero_padding(sequence, sequence_mask, "sequence_mask")
        scores = self.score_dense(self.hidden_dense(sequence))  # (B, P, G)
        if sequence_mask is not None:
            sequence_mask = sequence_mask[:, None]  # (B, 1, P)
        weights = self.softmax(ops.swapaxes(scores, 1, 2), sequence_mask)
        weights = ops.mean(weights, axis=1)  # (B, P)
        return self.weighted_sum("bp,bpd->bd", weights, sequence), weights

    def compute_mask(self, sequence, previous_mask):
        return None

    def compute_output_shape(self, sequence_shape):
        batch, length, dim = sequence_shape
        return (batch, dim), (batch, length)

    def get_config(self):
        return {**super().get_config(), "num_glimpses": self.num_glimpses}
