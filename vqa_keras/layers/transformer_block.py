import keras

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.attention_layer import AttentionLayer
from vqa_keras.layers.multi_head_attention import MultiHeadAttention
from vqa_keras.layers.zero_padding import zero_padding


class TransformerBlock(AttentionLayer):
    """Base class of `TransformerEncoderBlock` and `TransformerDecoderBlock`.

    Adds each sublayer's output to its input and normalizes the sum. A subclass
    names its attentions in `attention_names`; `<name>` and `<name>_norm` are
    their sublayers.

    Args:
        num_heads: int. Number of heads H, a divisor of the width D. Defaults to
            8.
        intermediate_dim: int. Width of the feed-forward network's hidden layer.
            Defaults to 2048.
        dropout: float. Fraction to drop of the attention weights, of the output
            of each sublayer and of the hidden layer. Defaults to 0.1.
        **kwargs: passed to `keras.layers.Layer`.
    """

    attention_names = ()
    keeps = ("sequence",)

    def __init__(
        self, num_heads=8, intermediate_dim=2048, dropout=0.1, **kwargs
    ):
        super().__init__(**kwargs)
        check_size("intermediate_dim", intermediate_dim)
        self.num_heads = num_heads
        self.intermediate_dim = intermediate_dim
        self.dropout = dropout
        dtype = self.dtype_policy
        for name in self.attention_names:
            attention = MultiHeadAttention(
                num_heads, dropout, dtype=dtype, name=name
            )
            setattr(self, name, attention)
        self.intermediate_dense = keras.layers.Dense(
            intermediate_dim, "relu", dtype=dtype, name="intermediate_dense"
        )
        for name in (*self.attention_names, "output"):
            norm = keras.layers.LayerNormalization(
                epsilon=1e-6, dtype=dtype, name=f"{name}_norm"
            )
            setattr(self, norm.name, norm)
        self.unit_dropout = keras.layers.Dropout(
            dropout, dtype=dtype, name="unit_dropout"
        )

    def build_attention(self, name, sequence_shape, context_shape):
        getattr(self, name).build(sequence_shape, context_shape)
        getattr(self, f"{name}_norm").build(sequence_shape)

    def build_feed_forward(self, sequence_shape):
        self.intermediate_dense.build(sequence_shape)
        self.output_dense = keras.layers.Dense(
            sequence_shape[-1], dtype=self.dtype_policy, name="output_dense"
        )
        self.output_dense.build((*sequence_shape[:-1], self.intermediate_dim))
        self.output_norm.build(sequence_shape)

    def attend(self, name, sequence, context, sequence_mask, context_mask):
        """Returns norm(x + dropout(filtered)), `(B, P, D)`, and the weights.

        The padding of `context` must be zeros already, or at least finite.
        """
        filtered, weights = getattr(self, name).attend(
            sequence, context, sequence_mask, context_mask
        )  # (B, P, D), (B, H, P, M)
        sequence = sequence + self.unit_dropout(filtered)
        return getattr(self, f"{name}_norm")(sequence), weights

    def feed_forward(self, sequence, sequence_mask):
        """Returns norm(x + dropout(W_2 h + b_2)), with zeros at padding."""
        hidden = self.unit_dropout(self.intermediate_dense(sequence))
        output = self.unit_dropout(self.output_dense(hidden))  # (B, P, D)
        return zero_padding(self.output_norm(sequence + output), sequence_mask)

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "intermediate_dim": self.intermediate_dim,
            "dropout": self.dropout,
        }
