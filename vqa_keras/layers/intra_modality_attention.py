import keras
from keras import ops

from vqa_keras.layers.masked_mean import masked_mean
from vqa_keras.layers.modality_attention import ModalityAttention
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class IntraModalityAttention(ModalityAttention):
    """Gated intra-modality attention within the words and within the regions.

    The mean of the other side gates every channel of query and key by a factor
    from 1 to 2: a gate can amplify a channel but not close it. In every head
    of width d = D / heads:

        gate_W     = 1 + sigmoid(W_GW mean_m(regions_m) + b_GW)
        weights_WW = softmax((gate_W o query_W) . (gate_W o key_W) / sqrt(d))
        words'     = W_W (words + weights_WW value_W) + b_W

    and, from the same inputs, with the sides exchanged for the regions. The
    means are over valid positions, zero if there are none. All positions share
    a gate. query, key and value are as in `InterModalityAttention`.

    Args:
        num_heads: int. Number of heads, a divisor of the width D. Defaults to
            8.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        words: word embeddings, `(B, N, D)`.
        regions: region embeddings of the same width, `(B, M, D)`.
        words_mask: optional bool or int, `(B, N)`, 0 at padding. Defaults to
            the Keras mask attached to `words`.
        regions_mask: optional bool or int, `(B, M)`, likewise.

    Returns:
        `(words, regions), (words_to_words, regions_to_regions)`:

        words, regions: of the same shapes, zeros at padding.
        words_to_words: float32, `(B, heads, N, N)`, 0 at padding of either.
            Those of a valid word sum to 1 over the words.
        regions_to_regions: float32, `(B, heads, M, M)`, likewise.

    Raises:
        ValueError: if `num_heads < 1` or the heads do not divide the width,
            words and regions are not of rank 3 and one width, or a mask has
            another shape than its sequence.

    Departure from the paper: none known except the zeros at padding. A later
    public reimplementation also gates the values.

    Example:
    ```python
    words = keras.random.normal((2, 8, 64))
    regions = keras.random.normal((2, 49, 64))
    layer = vqa_keras.layers.IntraModalityAttention(num_heads=8)
    (words, regions), (_, regions_to_regions) = layer(words, regions)
    print(words.shape, regions.shape)  # (2, 8, 64) (2, 49, 64)
    print(regions_to_regions.shape)  # (2, 8, 49, 49)
    ```

    Reference:
        [Gao et al., 2019](https://arxiv.org/abs/1812.05252).
    """

    keeps = ("words", "regions")

    def build(self, words_shape, regions_shape):
        super().build(words_shape, regions_shape)
        dim = words_shape[-1]
        self.words_gate = self.dense("words_gate", dim, activation="sigmoid")
        self.regions_gate = self.dense(
            "regions_gate", dim, activation="sigmoid"
        )
        self.words_dense = self.dense("words_dense", dim)
        self.regions_dense = self.dense("regions_dense", dim)

    def call(self, words, regions, words_mask=None, regions_mask=None):
        words = zero_padding(words, words_mask, "words_mask")
        regions = zero_padding(regions, regions_mask, "regions_mask")
        gate = 1.0 + self.words_gate(masked_mean(regions, regions_mask))
        gate = ops.expand_dims(gate, axis=1)  # (B, 1, D)
        from_words, words_to_words = self.attend(
            gate * self.words_query(words),
            gate * self.words_key(words),
            self.words_value(words),
            words_mask,
            words_mask,
        )  # (B, N, D), (B, heads, N, N)
        gate = 1.0 + self.regions_gate(masked_mean(words, words_mask))
        gate = ops.expand_dims(gate, axis=1)  # (B, 1, D)
        from_regions, regions_to_regions = self.attend(
            gate * self.regions_query(regions),
            gate * self.regions_key(regions),
            self.regions_value(regions),
            regions_mask,
            regions_mask,
        )  # (B, M, D), (B, heads, M, M)
        words = self.words_dense(words + from_words)
        words = zero_padding(words, words_mask)
        regions = self.regions_dense(regions + from_regions)
        regions = zero_padding(regions, regions_mask)
        return (words, regions), (words_to_words, regions_to_regions)

    def compute_output_shape(self, words_shape, regions_shape):
        shapes = words_shape, regions_shape
        return shapes, tuple(
            (batch, self.num_heads, length, length)
            for batch, length, _ in shapes
        )
