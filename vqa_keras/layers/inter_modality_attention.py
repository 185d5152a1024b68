import keras
from keras import KerasTensor
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.attend_in_heads import attend_in_heads
from vqa_keras.layers.attend_in_heads import pairs_mask
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class InterModalityAttention(keras.layers.Layer):
    """Words gather from the regions while regions gather from the words.

    Both sides at once, from what came in, in every head of width d = D / heads:

        weights_WR = softmax_m(query_W . key_R / sqrt(d))     words to regions
        weights_RW = softmax_n(query_R . key_W / sqrt(d))     regions to words
        words'     = W_W [words; weights_WR value_R] + b_W
        regions'   = W_R [regions; weights_RW value_W] + b_R

    query, key and value are linear maps of the side they are named for, with
    biases; what the heads gather is concatenated to width D. Each position is
    joined with what it gathered by concatenation, not by a sum. (The biases of
    the keys add the same to all scores of a softmax: they get no gradient.)

    Args:
        num_heads: int, a divisor of the width D. Defaults to 8.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        words: word embeddings, `(B, N, D)`.
        regions: region embeddings of the same width, `(B, M, D)`.
        words_mask: optional bool or int, `(B, N)`, 0 at padding. Defaults to
            the Keras mask attached to `words`.
        regions_mask: the same of the regions, `(B, M)`.

    Returns:
        `(words, regions), (words_to_regions, regions_to_words)`.

        words: `(B, N, D)`, zeros at padding.
        regions: `(B, M, D)`, zeros at padding.
        words_to_regions: `(B, heads, N, M)`, each word's weights of the
            regions: 0 at padding, summing to 1 over the other regions (all 0
            where no region is valid, and for a padded word). float32 also
            under mixed precision.
        regions_to_words: the same from regions to words, `(B, heads, M, N)`.

    Raises:
        ValueError: if `num_heads < 1` or does not divide the width, if words
            and regions are not of rank 3 and the same width, or if a mask has
            another shape than its side's positions.

    Departure from the paper: none that we know of. A later public
    reimplementation updates one side first and the other from the result; here
    both read what came in. Positions at padding become zeros.

    Reference:
        [Gao et al., 2019](https://arxiv.org/abs/1812.05252).
    """

    def __init__(self, num_heads=8, **kwargs):
        super().__init__(**kwargs)
        check_size("num_heads", num_heads)
        self.num_heads = num_heads
        self.softmax = keras.layers.Softmax(
            dtype=keras.backend.result_type(self.compute_dtype, "float32"),
            name="softmax",
        )

    def build(self, words_shape, regions_shape):
        dim = words_shape[-1]
        if not len(words_shape) == len(regions_shape) == 3:
            raise ValueError(
                "`words` and `regions` must have shape (batch, positions, "
                "features); flatten a CNN grid first. Received: "
                f"words.shape={words_shape}, regions.shape={regions_shape}"
            )
        if dim != regions_shape[-1] or dim % self.num_heads:
            raise ValueError(
                "`words` and `regions` must have the same width, which "
                f"`num_heads` divides. Received: num_heads={self.num_heads}, "
                f"words.shape={words_shape}, regions.shape={regions_shape}"
            )
        self.words_query = self._dense("words_query", dim)
        self.words_key = self._dense("words_key", dim)
        self.words_value = self._dense("words_value", dim)
        self.regions_query = self._dense("regions_query", dim)
        self.regions_key = self._dense("regions_key", dim)
        self.regions_value = self._dense("regions_value", dim)
        self.words_dense = self._dense("words_dense", dim, 2 * dim)
        self.regions_dense = self._dense("regions_dense", dim, 2 * dim)

    def _dense(self, name, dim, input_dim=None):
        dense = keras.layers.Dense(dim, dtype=self.dtype_policy, name=name)
        dense.build((None, None, input_dim or dim))
        return dense

    def call(self, words, regions, words_mask=None, regions_mask=None):
        words = zero_padding(words, words_mask)
        regions = zero_padding(regions, regions_mask)
        from_regions, words_to_regions = attend_in_heads(
            self.words_query(words),
            self.regions_key(regions),
            self.regions_value(regions),
            self.num_heads,
            self.softmax,
            pairs_mask(words_mask, regions_mask),
        )  # (B, N, D), (B, heads, N, M)
        from_words, regions_to_words = attend_in_heads(
            self.regions_query(regions),
            self.words_key(words),
            self.words_value(words),
            self.num_heads,
            self.softmax,
            pairs_mask(regions_mask, words_mask),
        )  # (B, M, D), (B, heads, M, N)
        words = ops.concatenate([words, from_regions], axis=-1)
        words = self.words_dense(words)
        words = zero_padding(words, words_mask)
        regions = ops.concatenate([regions, from_words], axis=-1)
        regions = self.regions_dense(regions)
        regions = zero_padding(regions, regions_mask)
        return (words, regions), (words_to_regions, regions_to_words)

    def compute_output_shape(self, words_shape, regions_shape):
        batch, num_words, _ = words_shape
        num_regions = regions_shape[1]
        return (
            (words_shape, regions_shape),
            (
                (batch, self.num_heads, num_words, num_regions),
                (batch, self.num_heads, num_regions, num_words),
            ),
        )

    def compute_output_spec(
        self, words, regions, words_mask=None, regions_mask=None
    ):
        outputs, weights = self.compute_output_shape(words.shape, regions.shape)
        return (
            tuple(KerasTensor(s, dtype=self.compute_dtype) for s in outputs),
            tuple(
                KerasTensor(s, dtype=self.softmax.compute_dtype)
                for s in weights
            ),
        )

    def get_config(self):
        return {**super().get_config(), "num_heads": self.num_heads}
