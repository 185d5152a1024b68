import keras
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.attention_layer import AttentionLayer
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class AttentionSummary(AttentionLayer):
    """Attention pooling by the mean of several glimpses (summary of DCN).

        scores_i = W_2 relu(W_1 x_i + b_1)             one score per glimpse
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
        filtered: `(B, D)`, the mean of the elements under `weights`.
        weights: float32, `(B, P)`, the mean of the glimpses: 0 at padding,
            summing to 1 over the other elements. Without a valid element both
            results are zeros.

    Raises:
        ValueError: if `num_glimpses < 1`, `sequence` is not of rank 3, or the
            mask has another shape.

    Departure from the paper: the scores have no bias, which softmax would
    cancel.

    Example:
    ```python
    words = keras.random.normal((2, 8, 64))
    mask = keras.ops.array([[1] * 8, [1] * 5 + [0] * 3])
    layer = vqa_keras.layers.AttentionSummary()
    filtered, weights = layer(words, sequence_mask=mask)
    print(filtered.shape, weights.shape)  # (2, 64) (2, 8)
    ```

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
        sequence = zero_padding(sequence, sequence_mask, "sequence_mask")
        scores = self.score_dense(self.hidden_dense(sequence))  # (B, P, G)
        if sequence_mask is not None:
            sequence_mask = sequence_mask[:, None]  # (B, 1, P)
        weights = self.softmax(ops.swapaxes(scores, 1, 2), sequence_mask)
        weights = ops.mean(weights, axis=1)  # (B, P)
        return self.weighted_sum("bp,bpd->bd", weights, sequence), weights

    def compute_output_shape(self, sequence_shape):
        batch, length, dim = sequence_shape
        return (batch, dim), (batch, length)

    def get_config(self):
        return {**super().get_config(), "num_glimpses": self.num_glimpses}
