import keras

from vqa_keras.layers.transformer_block import TransformerBlock
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class TransformerEncoderBlock(TransformerBlock):
    """Transformer encoder block: the unit SA of MCAN.

    Self-attention and a feed-forward network:

        filtered, weights = MultiHeadAttention(x, x)
        x = norm(x + dropout(filtered))
        x = norm(x + dropout(W_2 dropout(relu(W_1 x + b_1)) + b_2))

    Normalization follows each sum and scales every unit of a position by the
    standard formula, gamma (x - mean) / sqrt(variance + 1e-6) + beta.

    Args:
        num_heads: int. Number of heads H, a divisor of the width D. Defaults to
            8.
        intermediate_dim: int. Width of the feed-forward network's hidden layer.
            Defaults to 2048.
        dropout: float. Fraction to drop of the attention weights, of the output
            of each sublayer and of the hidden layer. Defaults to 0.1.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        sequence: words, regions or other vectors, `(B, P, D)`.
        sequence_mask: optional bool or int, `(B, P)`, 0 at padding. Defaults to
            the Keras mask attached to `sequence`.

    Returns:
        sequence: `(B, P, D)`, zeros at padding.
        weights: `(B, H, P, P)`, as in `MultiHeadAttention`.

    Raises:
        ValueError: if a size is too small, the heads do not divide the width,
            `sequence` is not of rank 3, or the mask has another shape.

    Departure from the paper: MCAN's code divides by the unbiased standard
    deviation plus 1e-6, and leaves its values at padding in place.

    Example:
    ```python
    words = keras.random.normal((2, 8, 64))
    block = vqa_keras.layers.TransformerEncoderBlock(
        num_heads=8, intermediate_dim=256
    )
    words, weights = block(words)
    print(words.shape, weights.shape)  # (2, 8, 64) (2, 8, 8, 8)
    ```

    References:
        [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762),
        [Yu et al., 2019](https://arxiv.org/abs/1906.10770).
    """

    attention_names = ("self_attention",)

    def build(self, sequence_shape):
        self.build_attention("self_attention", sequence_shape, sequence_shape)
        self.build_feed_forward(sequence_shape)

    def call(self, sequence, sequence_mask=None):
        sequence = zero_padding(sequence, sequence_mask, "sequence_mask")
        sequence, weights = self.attend(
            "self_attention", sequence, sequence, sequence_mask, sequence_mask
        )  # (B, P, D), (B, H, P, P)
        return self.feed_forward(sequence, sequence_mask), weights

    def compute_output_shape(self, sequence_shape):
        return self.self_attention.compute_output_shape(
            sequence_shape, sequence_shape
        )
