import keras
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.attention_layer import AttentionLayer
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class JointCoAttention(AttentionLayer):
    """Parallel co-attention: one affinity matrix weights words and regions.

        C = tanh(Q W_b V^T)                              (B, N, M)

    Q are the words, V the regions. With an `attention_dim` K, the form of the
    paper, each side enters the hidden layer of the other through C:

        H_Q = tanh(Q W_Q + C (V W_V))                    (B, N, K)
        H_V = tanh(V W_V + C^T (Q W_Q))                  (B, M, K)
        words_weights   = softmax_n(H_Q w_Q)
        regions_weights = softmax_m(H_V w_V)

    with the same W_Q and W_V in both lines. Without one, the article's form,
    the score of a word is its best match among the regions and the reverse:

        words_weights   = softmax_n(temperature * max_m C_nm)
        regions_weights = softmax_m(temperature * max_n C_nm)

    In both forms, each side is averaged under its weights. With W_b = 0 the
    first form is two attentions independent of each other.

    Args:
        attention_dim: int or `None`. Width K of the hidden layers; `None` for
            the form without hidden layers. Defaults to `None`.
        temperature: float, positive. Factor of the maxima. They lie between -1
            and 1, so that with 1, the article's form, no region's weight
            exceeds another's by more than e^2: at most 3.65 % for one of 196.
            With an `attention_dim` it must be 1. Defaults to 1.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        words: word embeddings, `(B, N, D)`.
        regions: region embeddings, `(B, M, D_V)`.
        words_mask: optional bool or int, `(B, N)`, 0 at padding. Defaults to
            the Keras mask attached to `words`.
        regions_mask: optional bool or int, `(B, M)`, likewise.

    Returns:
        `(words_filtered, regions_filtered), (words_weights, regions_weights,
        affinity)`:

        words_filtered: `(B, D)`, the mean of the words under `words_weights`.
        regions_filtered: `(B, D_V)`, the mean of the regions under
            `regions_weights`.
        words_weights: float32, `(B, N)`, 0 at padding, summing to 1 over the
            other words. A question with no valid word gets all-zero weights
            and `words_filtered`; its regions are weighted without it.
        regions_weights: float32, `(B, M)`, likewise.
        affinity: float32, `(B, N, M)`, C, from -1 to 1 and 0 at padding.

    Raises:
        ValueError: if `attention_dim < 1`, `temperature` is not positive or has
            no effect, `words` or `regions` is not of rank 3, or a mask has
            another shape than its sequence.

    Departures from the paper: padding is zeroed first. In the released code,
    which masks the softmax of the words only, the sums over n and m add padding
    to the scores of the other side. That code also has a bias in each map and
    dropout on the hidden layers, neither of which is in the paper's formulas.

    Example:
    ```python
    words = keras.random.normal((2, 8, 64))
    regions = keras.random.normal((2, 49, 64))
    layer = vqa_keras.layers.JointCoAttention(attention_dim=32)
    (words_filtered, regions_filtered), weights = layer(words, regions)
    print(words_filtered.shape, regions_filtered.shape)  # (2, 64) (2, 64)
    words_weights, regions_weights, affinity = weights
    print(regions_weights.shape, affinity.shape)  # (2, 49) (2, 8, 49)
    ```

    Reference:
        [Lu et al., 2016](https://arxiv.org/abs/1606.00061).
    """

    def __init__(self, attention_dim=None, temperature=1.0, **kwargs):
        super().__init__(**kwargs)
        if attention_dim is not None:
            check_size("attention_dim", attention_dim)
        if not temperature > 0:
            raise ValueError(
                f"`temperature` must be positive. Received: {temperature}"
            )
        if attention_dim is not None and temperature != 1:
            raise ValueError(
                "`temperature` must be 1 with an `attention_dim`, whose scores "
                f"have no bound. Received: temperature={temperature}, "
                f"attention_dim={attention_dim}"
            )
        self.attention_dim = attention_dim
        self.temperature = temperature
        if attention_dim is not None:
            self.words_dense = self._dense(attention_dim, "words_dense")
            self.regions_dense = self._dense(attention_dim, "regions_dense")
            self.words_score_dense = self._dense(1, "words_score_dense")
            self.regions_score_dense = self._dense(1, "regions_score_dense")

    def _dense(self, units, name):
        return keras.layers.Dense(
            units, use_bias=False, dtype=self.dtype_policy, name=name
        )

    def build(self, words_shape, regions_shape):
        self.check_rank("words", words_shape, "batch", "words", "features")
        self.check_rank(
            "regions", regions_shape, "batch", "regions", "features"
        )
        self.affinity_dense = self._dense(words_shape[-1], "affinity_dense")
        self.affinity_dense.build(regions_shape)
        if self.attention_dim is not None:
            self.words_dense.build(words_shape)
            self.regions_dense.build(regions_shape)
            hidden_shape = (None, None, self.attention_dim)
            self.words_score_dense.build(hidden_shape)
            self.regions_score_dense.build(hidden_shape)

    def call(self, words, regions, words_mask=None, regions_mask=None):
        # No map has a bias: zeroed padding stays zero, in the affinity too.
        words = zero_padding(words, words_mask, "words_mask")
        regions = zero_padding(regions, regions_mask, "regions_mask")
        # In float32: products of long vectors overflow in float16.
        affinity = ops.einsum(
            "bnd,bmd->bnm",
            ops.cast(words, self.weights_dtype),
            ops.cast(self.affinity_dense(regions), self.weights_dtype),
        )
        affinity = ops.tanh(affinity)  # (B, N, M)
        if self.attention_dim is None:
            scores = self._best_matches(affinity, words_mask, regions_mask)
        else:
            scores = self._hidden_scores(affinity, words, regions)
        words_weights = self.softmax(scores[0], words_mask)  # (B, N)
        regions_weights = self.softmax(scores[1], regions_mask)  # (B, M)
        filtered = (
            self.weighted_sum("bn,bnd->bd", words_weights, words),
            self.weighted_sum("bm,bmd->bd", regions_weights, regions),
        )
        return filtered, (words_weights, regions_weights, affinity)

    def _best_matches(self, affinity, words_mask, regions_mask):
        """Returns scores (B, N) and (B, M): the maxima over valid matches."""
        by_word, by_region = affinity, affinity
        # -1 is the minimum of the affinity: padding exceeds no valid match.
        if regions_mask is not None:
            is_region = ops.cast(regions_mask, "bool")[:, None]
            by_word = ops.where(is_region, affinity, -1.0)
        if words_mask is not None:
            is_word = ops.cast(words_mask, "bool")[:, :, None]
            by_region = ops.where(is_word, affinity, -1.0)
        return (
            self.temperature * ops.max(by_word, axis=2),
            self.temperature * ops.max(by_region, axis=1),
        )

    def _hidden_scores(self, affinity, words, regions):
        """Returns scores (B, N) and (B, M) from the hidden layers."""
        words = ops.cast(self.words_dense(words), affinity.dtype)  # (B, N, K)
        regions = ops.cast(
            self.regions_dense(regions), affinity.dtype
        )  # (B, M, K)
        to_words = ops.einsum("bnm,bmk->bnk", affinity, regions)
        to_regions = ops.einsum("bnm,bnk->bmk", affinity, words)
        words_scores = self.words_score_dense(ops.tanh(words + to_words))
        regions_scores = self.regions_score_dense(
            ops.tanh(regions + to_regions)
        )
        return words_scores[..., 0], regions_scores[..., 0]

    def compute_output_shape(self, words_shape, regions_shape):
        batch, num_words, words_dim = words_shape
        _, num_regions, regions_dim = regions_shape
        return ((batch, words_dim), (batch, regions_dim)), (
            (batch, num_words),
            (batch, num_regions),
            (batch, num_words, num_regions),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "attention_dim": self.attention_dim,
            "temperature": self.temperature,
        }
