import keras
from keras import KerasTensor
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.multi_head_attention import MultiHeadAttention


@keras.saving.register_keras_serializable(package="vqa_keras")
class TransformerDecoderBlock(keras.layers.Layer):
    """Self-attention, then attention to another sequence: MCAN's unit SGA.

        found, self_weights  = MultiHeadAttention(x, x)
        x                    = norm(x + dropout(found))
        found, cross_weights = MultiHeadAttention(x, context)
        x                    = norm(x + dropout(found))
        x = norm(x + dropout(W_2 dropout(relu(W_1 x + b_1)) + b_2))

    All positions see all positions: there is no causal mask, since regions
    have no order in which they are written. Normalization is that of
    `TransformerEncoderBlock`, which this block is without the middle part.

    Args:
        num_heads: int. Number of heads H of both attentions, a divisor of the
            width D. Defaults to 8.
        intermediate_dim: int. Width of the feed-forward network's hidden
            layer. Defaults to 2048.
        dropout: float. Dropped share of the attention weights, of what each
            sublayer adds and of the hidden layer. Defaults to 0.1.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        sequence: the positions that ask, such as regions, `(B, P, D)`.
        context: the positions that answer, such as words, `(B, M, D_C)`.
        sequence_mask: optional bool or int, `(B, P)`, 0 at padding. Defaults to
            the Keras mask attached to `sequence`.
        context_mask: the same of `context`, `(B, M)`.

    Returns:
        sequence: `(B, P, D)`, zeros at padding. A context without a valid
            position adds nothing.
        weights: `(self_weights, cross_weights)` of shapes `(B, H, P, P)` and
            `(B, H, P, M)`, asking position first: 0 at padding of either,
            summing to 1 over the answering positions (all 0 where none is
            valid). float32 also under mixed precision.

    Raises:
        ValueError: if a size is too small, the heads do not divide the width
            or an input is not of rank 3.

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
        self.self_attention, self.cross_attention = (
            MultiHeadAttention(
                num_heads, dropout=dropout, dtype=dtype, name=name
            )
            for name in ("self_attention", "cross_attention")
        )
        self.intermediate_dense = keras.layers.Dense(
            intermediate_dim,
            activation="relu",
            dtype=dtype,
            name="intermediate_dense",
        )
        (
            self.self_attention_norm,
            self.cross_attention_norm,
            self.output_norm,
        ) = (
            keras.layers.LayerNormalization(
                epsilon=1e-6, dtype=dtype, name=name
            )
            for name in (
                "self_attention_norm",
                "cross_attention_norm",
                "output_norm",
            )
        )
        self.unit_dropout = keras.layers.Dropout(
            dropout, dtype=dtype, name="unit_dropout"
        )

    def build(self, sequence_shape, context_shape):
        self.self_attention.build(sequence_shape, sequence_shape)
        self.self_attention_norm.build(sequence_shape)
        self.cross_attention.build(sequence_shape, context_shape)
        self.cross_attention_norm.build(sequence_shape)
        self.intermediate_dense.build(sequence_shape)
        self.output_dense = keras.layers.Dense(
            sequence_shape[-1], dtype=self.dtype_policy, name="output_dense"
        )
        self.output_dense.build((*sequence_shape[:-1], self.intermediate_dim))
        self.output_norm.build(sequence_shape)

    def call(self, sequence, context, sequence_mask=None, context_mask=None):
        found, self_weights = self.self_attention(
            sequence,
            sequence,
            query_mask=sequence_mask,
            context_mask=sequence_mask,
        )
        sequence = self.self_attention_norm(sequence + self.unit_dropout(found))
        found, cross_weights = self.cross_attention(
            sequence,
            context,
            query_mask=sequence_mask,
            context_mask=context_mask,
        )
        sequence = self.cross_attention_norm(
            sequence + self.unit_dropout(found)
        )
        hidden = self.unit_dropout(self.intermediate_dense(sequence))
        sequence = self.output_norm(
            sequence + self.unit_dropout(self.output_dense(hidden))
        )
        if sequence_mask is not None:
            is_real = ops.cast(sequence_mask, "bool")[..., None]
            sequence = ops.where(is_real, sequence, 0.0)
        return sequence, (self_weights, cross_weights)

    def compute_mask(self, sequence, previous_mask):
        return previous_mask, (None, None)

    def compute_output_shape(self, sequence_shape, context_shape):
        batch, num_positions, _ = sequence_shape
        asking = (batch, self.num_heads, num_positions)
        return sequence_shape, (
            (*asking, num_positions),
            (*asking, context_shape[1]),
        )

    def compute_output_spec(
        self, sequence, context, sequence_mask=None, context_mask=None
    ):
        shape, weights = self.compute_output_shape(
            sequence.shape, context.shape
        )
        dtype = self.self_attention.softmax.compute_dtype
        return KerasTensor(shape, dtype=self.compute_dtype), tuple(
            KerasTensor(weights_shape, dtype=dtype) for weights_shape in weights
        )

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "intermediate_dim": self.intermediate_dim,
            "dropout": self.dropout,
        }
