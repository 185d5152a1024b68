import keras
from keras import KerasTensor
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.multi_head_attention import MultiHeadAttention


@keras.saving.register_keras_serializable(package="vqa_keras")
class TransformerEncoderBlock(keras.layers.Layer):
    """Self-attention, then a feed-forward network: the unit SA of MCAN.

        found, weights = MultiHeadAttention(x, x)
        x              = norm(x + dropout(found))
        x              = norm(x + dropout(W_2 dropout(relu(W_1 x + b_1)) + b_2))

    Normalization comes after each sum, and every unit of a position is scaled
    by the standard formula, gamma (x - mean) / sqrt(variance + 1e-6) + beta.

    Args:
        num_heads: int. Number of heads H, a divisor of the width D. Defaults
            to 8.
        intermediate_dim: int. Width of the feed-forward network's hidden
            layer. Defaults to 2048.
        dropout: float. Dropped share of the attention weights, of what either
            sublayer adds and of the hidden layer. Defaults to 0.1.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        sequence: words, regions or anything else, `(B, P, D)`.
        sequence_mask: optional bool or int, `(B, P)`, 0 at padding. Defaults to
            the Keras mask attached to `sequence`.

    Returns:
        sequence: `(B, P, D)`, zeros at padding.
        weights: `(B, H, P, P)`, asking position first: 0 at padding of either,
            summing to 1 over the answering positions (all 0 where none is
            valid). float32 also under mixed precision.

    Raises:
        ValueError: if a size is too small, the heads do not divide the width
            or `sequence` is not of rank 3.

    Departure from the paper: MCAN's code divides by the unbiased standard
    deviation plus 1e-6, and leaves what it computes at padding in place.

    References:
        [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762),
        [Yu et al., 2019](https://arxiv.org/abs/1906.10770).
    """

    def __init__(
        self, num_heads=8, intermediate_dim=2048, dropout=0.1, **kwargs
    ):
        super().__init__(**kwargs)
        check_size("intermediate_dim", intermediate_dim)
        self.supports_masking = True
        self.num_heads = num_heads
        self.intermediate_dim = intermediate_dim
        self.dropout = dropout
        dtype = self.dtype_policy
        self.self_attention = MultiHeadAttention(
            num_heads, dropout=dropout, dtype=dtype, name="self_attention"
        )
        self.intermediate_dense = keras.layers.Dense(
            intermediate_dim,
            activation="relu",
            dtype=dtype,
            name="intermediate_dense",
        )
        self.self_attention_norm, self.output_norm = (
            keras.layers.LayerNormalization(
                epsilon=1e-6, dtype=dtype, name=name
            )
            for name in ("self_attention_norm", "output_norm")
        )
        self.unit_dropout = keras.layers.Dropout(
            dropout, dtype=dtype, name="unit_dropout"
        )

    def build(self, sequence_shape):
        self.self_attention.build(sequence_shape, sequence_shape)
        self.self_attention_norm.build(sequence_shape)
        self.intermediate_dense.build(sequence_shape)
        self.output_dense = keras.layers.Dense(
            sequence_shape[-1], dtype=self.dtype_policy, name="output_dense"
        )
        self.output_dense.build((*sequence_shape[:-1], self.intermediate_dim))
        self.output_norm.build(sequence_shape)

    def call(self, sequence, sequence_mask=None):
        if sequence_mask is None:  # Keras fills in arguments named `mask` only.
            sequence_mask = getattr(sequence, "_keras_mask", None)
        found, weights = self.self_attention(
            sequence,
            sequence,
            query_mask=sequence_mask,
            context_mask=sequence_mask,
        )
        sequence = self.self_attention_norm(sequence + self.unit_dropout(found))
        hidden = self.unit_dropout(self.intermediate_dense(sequence))
        sequence = self.output_norm(
            sequence + self.unit_dropout(self.output_dense(hidden))
        )
        if sequence_mask is not None:
            is_real = ops.cast(sequence_mask, "bool")[..., None]
            sequence = ops.where(is_real, sequence, 0.0)
        return sequence, weights

    def compute_mask(self, sequence, previous_mask):
        return previous_mask, None

    def compute_output_shape(self, sequence_shape):
        return self.self_attention.compute_output_shape(
            sequence_shape, sequence_shape
        )

    def compute_output_spec(self, sequence, sequence_mask=None):
        shape, weights = self.compute_output_shape(sequence.shape)
        return (
            KerasTensor(shape, dtype=self.compute_dtype),
            KerasTensor(
                weights, dtype=self.self_attention.softmax.compute_dtype
            ),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "intermediate_dim": self.intermediate_dim,
            "dropout": self.dropout,
        }
