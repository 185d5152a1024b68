import keras

from vqa_keras.layers.transformer_block import TransformerBlock
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class TransformerDecoderBlock(TransformerBlock):
    """Self-attention, then attention to another sequence: MCAN's unit SGA.

        filtered, self_weights  = MultiHeadAttention(x, x)
        x = norm(x + dropout(filtered))
        filtered, cross_weights = MultiHeadAttention(x, context)
        x = norm(x + dropout(filtered))
        x = norm(x + dropout(W_2 dropout(relu(W_1 x + b_1)) + b_2))

    There is no causal mask: regions have no order. Without the middle part this
    is `TransformerEncoderBlock`, whose normalization and departures from the
    paper hold here too.

    Args:
        num_heads: int, number of heads H of both attentions, a divisor of the
            width D.
        intermediate_dim: int, width of the feed-forward network's hidden layer.
        dropout: float, fraction to drop of the attention weights, of the output
            of each sublayer and of the hidden layer.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        sequence: such as regions, `(B, P, D)`.
        context: the sequence attended to, such as words, `(B, M, D_C)`.
        sequence_mask: optional bool or int, `(B, P)`, 0 at padding. Defaults to
            the Keras mask attached to `sequence`.
        context_mask: the same of `context`, `(B, M)`.

    Returns:
        sequence: `(B, P, D)`, zeros at padding. A context without a valid
            position adds nothing.
        weights: `(self_weights, cross_weights)` of shapes `(B, H, P, P)` and
            `(B, H, P, M)`, as those of `MultiHeadAttention`.

    Raises:
        ValueError: if a size is too small, the heads do not divide the width
            or an input is not of rank 3.

    References:
        [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762),
        [Yu et al., 2019](https://arxiv.org/abs/1906.10770).
    """

    attention_names = ("self_attention", "cross_attention")

    def build(self, sequence_shape, context_shape):
        self.build_attention("self_attention", sequence_shape, sequence_shape)
        self.build_attention("cross_attention", sequence_shape, context_shape)
        self.build_feed_forward(sequence_shape)

    def call(self, sequence, context, sequence_mask=None, context_mask=None):
        sequence = zero_padding(sequence, sequence_mask, "sequence_mask")
        sequence, self_weights = self.attend(
            "self_attention", sequence, sequence, sequence_mask, sequence_mask
        )  # (B, P, D), (B, H, P, P)
        sequence, cross_weights = self.attend(
            "cross_attention", sequence, context, sequence_mask, context_mask
        )  # (B, P, D), (B, H, P, M)
        sequence = self.feed_forward(sequence, sequence_mask)
        return sequence, (self_weights, cross_weights)

    def compute_output_shape(self, sequence_shape, context_shape):
        _, self_weights = self.self_attention.compute_output_shape(
            sequence_shape, sequence_shape
        )
        _, cross_weights = self.cross_attention.compute_output_shape(
            sequence_shape, context_shape
        )
        return sequence_shape, (self_weights, cross_weights)
