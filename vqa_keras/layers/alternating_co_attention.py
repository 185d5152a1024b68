import keras
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.attention_layer import AttentionLayer
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class AlternatingCoAttention(AttentionLayer):
    """Alternating co-attention: attends to words, to regions, to words again.

    Summarizes the words, attends to the regions under that summary, and
    re-attends to the words under the filtered regions:

        start            = attention_1(words)
        regions_filtered = attention_2(regions, start)
        words_filtered   = attention_3(words, regions_filtered)

    where an attention over X with the guide g computes

        H        = tanh(X W_x + g W_g)
        weights  = softmax_i(H w)
        filtered = sum_i weights_i x_i

    The first attention has no guide. No weights are shared.

    Args:
        attention_dim: int. Width K of the hidden layers H.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        words: word embeddings, `(B, N, D)`.
        regions: region embeddings, `(B, M, D_V)`.
        words_mask: optional bool or int, `(B, N)`, 0 at padding. Defaults to
            the Keras mask attached to `words`.
        regions_mask: optional bool or int, `(B, M)`, likewise.

    Returns:
        `(words_filtered, regions_filtered), (words_weights, regions_weights,
        start_weights)`:

        words_filtered: `(B, D)`, the mean of the words under `words_weights`.
        regions_filtered: `(B, D_V)`, the mean of the regions under
            `regions_weights`.
        words_weights: float32, `(B, N)`, those of attention_3: 0 at padding,
            summing to 1 over the other words. A question with no valid word
            gets all-zero weights and `words_filtered`.
        regions_weights: float32, `(B, M)`, those of attention_2, likewise.
        start_weights: float32, `(B, N)`, those of attention_1, likewise.

    Raises:
        ValueError: if `attention_dim < 1`, `words` or `regions` is not of
            rank 3, or a mask has another shape than its sequence.

    Departure from the paper: none in the formula. The released code adds a bias
    to each map and dropout on the hidden layers.

    Example:
    ```python
    words = keras.random.normal((2, 8, 64))
    regions = keras.random.normal((2, 49, 64))
    layer = vqa_keras.layers.AlternatingCoAttention(attention_dim=32)
    (words_filtered, regions_filtered), weights = layer(words, regions)
    print(words_filtered.shape, regions_filtered.shape)  # (2, 64) (2, 64)
    words_weights, regions_weights, start_weights = weights
    print(words_weights.shape, regions_weights.shape)  # (2, 8) (2, 49)
    ```

    Reference:
        [Lu et al., 2016](https://arxiv.org/abs/1606.00061).
    """

    def __init__(self, attention_dim, **kwargs):
        super().__init__(**kwargs)
        check_size("attention_dim", attention_dim)
        self.attention_dim = attention_dim
        self.start_dense = self._dense("start_dense")
        self.start_score_dense = self._dense("start_score_dense", 1)
        self.regions_dense = self._dense("regions_dense")
        self.regions_guide_dense = self._dense("regions_guide_dense")
        self.regions_score_dense = self._dense("regions_score_dense", 1)
        self.words_dense = self._dense("words_dense")
        self.words_guide_dense = self._dense("words_guide_dense")
        self.words_score_dense = self._dense("words_score_dense", 1)

    def _dense(self, name, units=None):
        return keras.layers.Dense(
            units or self.attention_dim,
            use_bias=False,
            dtype=self.dtype_policy,
            name=name,
        )

    def build(self, words_shape, regions_shape):
        self.check_rank("words", words_shape, "batch", "words", "features")
        self.check_rank(
            "regions", regions_shape, "batch", "regions", "features"
        )
        hidden_shape = (None, None, self.attention_dim)
        self.start_dense.build(words_shape)
        self.start_score_dense.build(hidden_shape)
        self.regions_dense.build(regions_shape)
        self.regions_guide_dense.build((None, words_shape[-1]))
        self.regions_score_dense.build(hidden_shape)
        self.words_dense.build(words_shape)
        self.words_guide_dense.build((None, regions_shape[-1]))
        self.words_score_dense.build(hidden_shape)

    def call(self, words, regions, words_mask=None, regions_mask=None):
        words = zero_padding(words, words_mask, "words_mask")
        regions = zero_padding(regions, regions_mask, "regions_mask")
        # 1. Attend to the words, without a guide.
        scores = self.start_score_dense(ops.tanh(self.start_dense(words)))
        start_weights = self.softmax(scores[..., 0], words_mask)  # (B, N)
        start = self.weighted_sum("bn,bnd->bd", start_weights, words)
        # 2. Attend to the regions, guided by `start`.
        guide = self.regions_guide_dense(start)[:, None]  # (B, 1, K)
        hidden = ops.tanh(self.regions_dense(regions) + guide)  # (B, M, K)
        scores = self.regions_score_dense(hidden)[..., 0]
        regions_weights = self.softmax(scores, regions_mask)  # (B, M)
        regions_filtered = self.weighted_sum(
            "bm,bmd->bd", regions_weights, regions
        )
        # 3. Attend to the words, guided by `regions_filtered`.
        guide = self.words_guide_dense(regions_filtered)[:, None]  # (B, 1, K)
        hidden = ops.tanh(self.words_dense(words) + guide)  # (B, N, K)
        scores = self.words_score_dense(hidden)[..., 0]
        words_weights = self.softmax(scores, words_mask)  # (B, N)
        words_filtered = self.weighted_sum("bn,bnd->bd", words_weights, words)
        return (words_filtered, regions_filtered), (
            words_weights,
            regions_weights,
            start_weights,
        )

    def compute_output_shape(self, words_shape, regions_shape):
        batch, num_words, words_dim = words_shape
        _, num_regions, regions_dim = regions_shape
        return ((batch, words_dim), (batch, regions_dim)), (
            (batch, num_words),
            (batch, num_regions),
            (batch, num_words),
        )

    def get_config(self):
        return {**super().get_config(), "attention_dim": self.attention_dim}
