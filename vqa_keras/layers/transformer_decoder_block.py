import keras

from vqa_keras.layers.transformer_block import TransformerBlock
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class TransformerDecoderBlock(TransformerBlock):
    """Transformer decoder block without a causal mask: the unit SGA of MCAN.

    Self-attention, attention to another sequence and a feed-forward network:

        filtered, self_weights  = MultiHeadAttention(x, x)
        x = norm(x + dropout(filtered))
        filtered, cross_weights = MultiHeadAttention(x, context)
        x = norm(x + dropout(filtered))
        x = norm(x + dropout(W_2 dropout(relu(W_1 x + b_1)) + b_2))

    A causal mask would need an order, which regions do not have. Without the
    attention to `context` this is `TransformerEncoderBlock`, whose
    normalization and departures from the paper apply here too.

    Args:
        num_heads: int. Number of heads H of both attentions, a divisor of the
            width D. Defaults to 8.
        intermediate_dim: int. Width of the feed-forward network's hidden layer.
            Defaults to 2048.
        dropout: float. Fraction to drop of the attention weights, of the output
            of each sublayer and of the hidden layer. Defaults to 0.1.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        sequence: such as regions, `(B, P, D)`.
        context: the sequence attended to, such as words, `(B, M, D_C)`.
        sequence_mask: optional bool or int, `(B, P)`, 0 at padding. Defaults to
            the Keras mask attached to `sequence`.
        context_mask: optional bool or int, `(B, M)`, likewise.

    Returns:
        sequence: `(B, P, D)`, zeros at padding. A context without a valid
            position adds nothing.
        weights: `(self_weights, cross_weights)` of shapes `(B, H, P, P)` and
            `(B, H, P, M)`, as in `MultiHeadAttention`.

    Raises:
        ValueError: if a size is too small, the heads do not divide the width,
            an input is not of rank 3, or a mask has another shape than its
            sequence.

    Example:
    ```python
    regions = keras.random.normal((2, 49, 64))
    words = keras.random.normal((2, 8, 64))
    block = vqa_keras.layers.TransformerDecoderBlock(
        num_heads=8, intermediate_dim=256
    )
    regions, (self_weights, cross_weights) = block(regions, words)
    print(regions.shape, cross_weights.shape)  # (2, 49, 64) (2, 8, 49, 8)
    ```

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
        context = zero_padding(context, context_mask, "context_mask")
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
