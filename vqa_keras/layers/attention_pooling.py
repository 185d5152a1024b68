import keras
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.attention_layer import AttentionLayer
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class AttentionPooling(AttentionLayer):
    """Attention pooling: reduces a sequence to one vector (AttFlat of MCAN).

        h_p      = dropout(relu(W_H x_p + b_H))
        w^g      = softmax_p(w_g . h_p + b_g)               glimpse g of G
        filtered = W_O [sum_p w^1_p x_p; ...; sum_p w^G_p x_p] + b_O

    The score's bias b_g is that of the paper's model; softmax cancels it, so it
    changes no output and gets no gradient.

    Args:
        hidden_dim: int. Width of the scoring network's hidden layer.
        output_dim: int. Width of the result.
        num_glimpses: int. Number of glimpses G. Defaults to 1.
        dropout: float. Fraction of the hidden layer's units to drop in
            training. Defaults to 0.1.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        sequence: words, regions or other vectors, `(B, P, D)`.
        sequence_mask: optional bool or int, `(B, P)`, 0 at padding. Defaults to
            the Keras mask attached to `sequence`.

    Returns:
        filtered: `(B, output_dim)`, zeros where no position is valid.
        weights: float32, `(B, P)`, or `(B, G, P)` with more than one glimpse:
            0 at padding, summing to 1 over the other positions (all 0 where
            none is valid).

    Raises:
        ValueError: if a size is too small, `sequence` is not of rank 3, or the
            mask has another shape.

    Example:
    ```python
    regions = keras.random.normal((2, 49, 64))
    layer = vqa_keras.layers.AttentionPooling(hidden_dim=64, output_dim=128)
    filtered, weights = layer(regions)
    print(filtered.shape, weights.shape)  # (2, 128) (2, 49)
    ```

    Reference:
        [Yu et al., 2019](https://arxiv.org/abs/1906.10770).
    """

    def __init__(
        self, hidden_dim, output_dim, num_glimpses=1, dropout=0.1, **kwargs
    ):
        super().__init__(**kwargs)
        check_size("hidden_dim", hidden_dim)
        check_size("output_dim", output_dim)
        check_size("num_glimpses", num_glimpses)
        self.hidden_dim = hidden_dim
        self.output_dim = output_dim
        self.num_glimpses = num_glimpses
        self.dropout = dropout
        dtype = self.dtype_policy
        self.hidden_dense = keras.layers.Dense(
            hidden_dim, activation="relu", dtype=dtype, name="hidden_dense"
        )
        self.hidden_dropout = keras.layers.Dropout(
            dropout, dtype=dtype, name="hidden_dropout"
        )
        self.score_dense = keras.layers.Dense(
            num_glimpses, dtype=dtype, name="score_dense"
        )
        self.output_dense = keras.layers.Dense(
            output_dim, dtype=dtype, name="output_dense"
        )

    def build(self, sequence_shape):
        self.check_rank(
            "sequence", sequence_shape, "batch", "regions", "features"
        )
        batch, num_positions, dim = sequence_shape
        self.hidden_dense.build(sequence_shape)
        self.score_dense.build((batch, num_positions, self.hidden_dim))
        self.output_dense.build((batch, self.num_glimpses * dim))

    def call(self, sequence, sequence_mask=None):
        sequence = zero_padding(sequence, sequence_mask, "sequence_mask")
        hidden = self.hidden_dropout(self.hidden_dense(sequence))
        scores = ops.swapaxes(self.score_dense(hidden), 1, 2)  # (B, G, P)
        if sequence_mask is not None:
            sequence_mask = ops.cast(sequence_mask, "bool")[:, None]
        weights = self.softmax(scores, sequence_mask)
        glimpses = self.weighted_sum("bgp,bpd->bgd", weights, sequence)
        filtered = self.output_dense(
            ops.reshape(glimpses, (-1, self.num_glimpses * sequence.shape[-1]))
        )
        if sequence_mask is not None:
            any_valid = ops.any(sequence_mask, axis=-1)  # (B, 1)
            filtered = ops.where(any_valid, filtered, 0.0)
        if self.num_glimpses == 1:
            weights = weights[:, 0]
        return filtered, weights

    def compute_output_shape(self, sequence_shape):
        batch, num_positions, _ = sequence_shape
        glimpses = (self.num_glimpses,) if self.num_glimpses > 1 else ()
        return (batch, self.output_dim), (batch, *glimpses, num_positions)

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_dim": self.hidden_dim,
            "output_dim": self.output_dim,
            "num_glimpses": self.num_glimpses,
            "dropout": self.dropout,
        }
