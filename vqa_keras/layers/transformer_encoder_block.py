import keras

from vqa_keras.layers.transformer_block import TransformerBlock
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class TransformerEncoderBlock(TransformerBlock):
    """Self-attention, then a feed-forward network: the unit SA of MCAN.

        filtered, weights = MultiHeadAttention(x, x)
        x = norm(x + dropout(filtered))
        x = norm(x + dropout(W_2 dropout(relu(W_1 x + b_1)) + b_2))

    Normalization comes after each sum and scales every unit of a position by
    the standard formula, gamma (x - mean) / sqrt(variance + 1e-6) + beta.

    Args:
        num_heads: int, number of heads H, a divisor of the width D.
        intermediate_dim: int, width of the feed-forward network's hidden layer.
        dropout: float, fraction to drop of the attention weights, of the output
            of either sublayer and of the hidden layer.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        sequence: words, regions or anything else, `(B, P, D)`.
        sequence_mask: optional bool or int, `(B, P)`, 0 at padding. Defaults to
            the Keras mask attached to `sequence`.

    Returns:
        sequence: `(B, P, D)`, zeros at padding.
        weights: `(B, H, P, P)`, as those of `MultiHeadAttention`.

    Raises:
        ValueError: if a size is too small, the heads do not divide the width
            or `sequence` is not of rank 3.

    Departure from the paper: MCAN's code divides by the unbiased standard
    deviation plus 1e-6, and leaves its values at padding in place.

    References:
        [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762),
        [Yu et al., 2019](https://arxiv.org/abs/1906.10770).
    """

    attention_names = ("self_attention",)

    def build(self, sequence_shape):
        self.build_attention("self_attention", sequence_shape, sequence_shape)
        self.build_feed_forward(sequence_shape)

    def call(self, sequence, sequence_mask=None):
        if sequence_mask is None:  # Keras fills in arguments named `mask` only.
            sequence_mask = getattr(sequence, "_keras_mask", None)
        sequence = zero_padding(sequence, sequence_mask, "sequence_mask")
        sequence, weights = self.attend(
            "self_attention", sequence, sequence, sequence_mask, sequence_mask
        )  # (B, P, D), (B, H, P, P)
        return self.feed_forward(sequence, sequence_mask), weights

    def compute_output_shape(self, sequence_shape):
        return self.self_attention.compute_output_shape(
            sequence_shape, sequence_shape
        )
