import keras
from keras import ops

from vqa_keras.layers.modality_attention import ModalityAttention
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class InterModalityAttention(ModalityAttention):
    """Inter-modality attention: words attend to regions and regions to words.

    Both directions are computed from the same inputs. In every head of width
    d = D / heads:

        weights_WR = softmax_m(query_W . key_R / sqrt(d))     words to regions
        weights_RW = softmax_n(query_R . key_W / sqrt(d))     regions to words
        words'     = W_W [words; weights_WR value_R] + b_W
        regions'   = W_R [regions; weights_RW value_W] + b_R

    query, key and value are linear maps with biases. A bias b of a key adds
    query . b to all scores of a softmax, which cancels it: it gets no gradient.

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
        `(words, regions), (words_to_regions, regions_to_words)`:

        words, regions: of the same shapes, zeros at padding.
        words_to_regions: float32, `(B, heads, N, M)`, 0 at padding of either.
            Those of a word sum to 1 over the regions, or to 0 where none is
            valid.
        regions_to_words: float32, `(B, heads, M, N)`, likewise.

    Raises:
        ValueError: if `num_heads < 1` or the heads do not divide the width,
            words and regions are not of rank 3 and one width, or a mask has
            another shape than its sequence.

    Departure from the paper: none known except the zeros at padding. A later
    public reimplementation updates one side first, and the other from the
    result.

    Example:
    ```python
    words = keras.random.normal((2, 8, 64))
    regions = keras.random.normal((2, 49, 64))
    layer = vqa_keras.layers.InterModalityAttention(num_heads=8)
    (words, regions), (words_to_regions, _) = layer(words, regions)
    print(words.shape, regions.shape)  # (2, 8, 64) (2, 49, 64)
    print(words_to_regions.shape)  # (2, 8, 8, 49)
    ```

    Reference:
        [Gao et al., 2019](https://arxiv.org/abs/1812.05252).
    """

    keeps = ("words", "regions")

    def build(self, words_shape, regions_shape):
        super().build(words_shape, regions_shape)
        dim = words_shape[-1]
        self.words_dense = self.dense("words_dense", dim, 2 * dim)
        self.regions_dense = self.dense("regions_dense", dim, 2 * dim)

    def call(self, words, regions, words_mask=None, regions_mask=None):
        words = zero_padding(words, words_mask, "words_mask")
        regions = zero_padding(regions, regions_mask, "regions_mask")
        from_regions, words_to_regions = self.attend(
            self.words_query(words),
            self.regions_key(regions),
            self.regions_value(regions),
            words_mask,
            regions_mask,
        )  # (B, N, D), (B, heads, N, M)
        from_words, regions_to_words = self.attend(
            self.regions_query(regions),
            self.words_key(words),
            self.words_value(words),
            regions_mask,
            words_mask,
        )  # (B, M, D), (B, heads, M, N)
        words = ops.concatenate([words, from_regions], axis=-1)
        words = zero_padding(self.words_dense(words), words_mask)
        regions = ops.concatenate([regions, from_words], axis=-1)
        regions = zero_padding(self.regions_dense(regions), regions_mask)
        return (words, regions), (words_to_regions, regions_to_words)

    def compute_output_shape(self, words_shape, regions_shape):
        batch, num_words, _ = words_shape
        num_regions = regions_shape[1]
        return (words_shape, regions_shape), (
            (batch, self.num_heads, num_words, num_regions),
            (batch, self.num_heads, num_regions, num_words),
        )
