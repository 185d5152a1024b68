import keras
from keras import KerasTensor
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class JointCoAttention(keras.layers.Layer):
    """Words and regions attend to each other through one affinity matrix.

        C = tanh(Q W_b V^T)                              (B, N, M)

    Q are the words, V the regions. Every word and region get a score from C in
    one of two ways. With an `attention_dim` K, the parallel co-attention of the
    paper, a small network sees the words through the regions and the reverse:

        H_Q = tanh(Q W_Q + C (V W_V))                    (B, N, K)
        H_V = tanh(V W_V + C^T (Q W_Q))                  (B, M, K)
        words_weights   = softmax_n(H_Q w_Q)
        regions_weights = softmax_m(H_V w_V)

    with the same W_Q and W_V in both lines. Without one, the article's form, a
    word is worth its best match among the regions and the reverse:

        words_weights   = softmax_n(temperature * max_m C_nm)
        regions_weights = softmax_m(temperature * max_n C_nm)

    Either way, each side is averaged under its weights. With W_b = 0 the first
    form is two attentions that know nothing of each other.

    Args:
        attention_dim: int, width K of the hidden layers, or `None` for the
            form without hidden layers. Defaults to `None`.
        temperature: float > 0, what multiplies the maxima. They lie between
            -1 and 1, so that with 1, the article's form, no region's weight
            exceeds another's by more than e^2: at most 3.65 % for one of 196.
            With an `attention_dim` it must be 1, its default.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        words: word embeddings, `(B, N, D)`.
        regions: region embeddings, `(B, M, D)`; their width may differ.
        words_mask: optional bool or int, `(B, N)`, 0 at padding. Defaults to
            the Keras mask attached to `words`.
        regions_mask: optional bool or int, `(B, M)`, likewise.

    Returns:
        `(words_filtered, regions_filtered), (words_weights, regions_weights,
        affinity)`:

        words_filtered: `(B, D)`, the words averaged by attention weight.
        regions_filtered: `(B, D)`, the regions likewise.
        words_weights: `(B, N)`, 0 at padding, summing to 1 over the other
            words. A question with no valid word gets all-zero weights and
            `words_filtered`; its regions are weighted without it.
        regions_weights: `(B, M)`, likewise.
        affinity: `(B, N, M)`, C, from -1 to 1 and 0 at padding. Like the
            weights float32 also under mixed precision.

    Raises:
        ValueError: if `attention_dim < 1`, `temperature` is not positive or has
            no effect, `words` or `regions` is not of rank 3, or a mask has
            another shape than what it masks.

    Departure from the paper: padding is zeroed before anything else. The sums
    over n and m would let it into the weights of the other side, and do so in
    the released code, which masks the softmax of the words only. That code also
    has a bias in each map and dropout on the hidden layers, which the paper's
    formulas have not.

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
        self.softmax = keras.layers.Softmax(
            dtype=keras.backend.result_type(self.compute_dtype, "float32"),
            name="softmax",
        )

    def _dense(self, units, name):
        return keras.layers.Dense(
            units, use_bias=False, dtype=self.dtype_policy, name=name
        )

    def build(self, words_shape, regions_shape):
        if len(words_shape) != 3 or len(regions_shape) != 3:
            raise ValueError(
                "`words` and `regions` must have shape (batch, positions, "
                "features); flatten a CNN grid first. Received: "
                f"words.shape={words_shape}, regions.shape={regions_shape}"
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
        # No map has a bias: what is zero here stays zero, in the affinity too.
        words = zero_padding(words, words_mask)
        regions = zero_padding(regions, regions_mask)
        affinity = ops.tanh(
            ops.einsum("bnd,bmd->bnm", words, self.affinity_dense(regions))
        )
        if self.attention_dim is None:
            scores = self._best_matches(affinity, words_mask, regions_mask)
        else:
            scores = self._hidden_scores(affinity, words, regions)
        # Copies, since Keras would hand the softmax's mask on to its losses.
        words_weights = ops.copy(self.softmax(scores[0], mask=words_mask))
        regions_weights = ops.copy(self.softmax(scores[1], mask=regions_mask))
        return (
            self._average(words_weights, words),
            self._average(regions_weights, regions),
        ), (
            words_weights,
            regions_weights,
            ops.cast(affinity, words_weights.dtype),
        )

    def _best_matches(self, affinity, words_mask, regions_mask):
        """Scores (B, N) and (B, M): no valid match is worse than padding."""
        by_word, by_region = affinity, affinity
        if regions_mask is not None:
            is_region = ops.cast(ops.expand_dims(regions_mask, 1), "bool")
            by_word = ops.where(is_region, affinity, -1.0)
        if words_mask is not None:
            is_word = ops.cast(ops.expand_dims(words_mask, 2), "bool")
            by_region = ops.where(is_word, affinity, -1.0)
        return (
            self.temperature * ops.max(by_word, axis=2),
            self.temperature * ops.max(by_region, axis=1),
        )

    def _hidden_scores(self, affinity, words, regions):
        """Scores (B, N) and (B, M) of the paper's small network."""
        words = self.words_dense(words)  # (B, N, K)
        regions = self.regions_dense(regions)  # (B, M, K)
        seen = ops.einsum("bnm,bmk->bnk", affinity, regions)
        asked = ops.einsum("bnm,bnk->bmk", affinity, words)
        words_scores = self.words_score_dense(ops.tanh(words + seen))
        regions_scores = self.regions_score_dense(ops.tanh(regions + asked))
        return ops.squeeze(words_scores, -1), ops.squeeze(regions_scores, -1)

    def _average(self, weights, sequence):
        weights = ops.cast(weights, self.compute_dtype)
        return ops.einsum("bp,bpd->bd", weights, sequence)

    def compute_output_shape(self, words_shape, regions_shape):
        batch, num_words, words_dim = words_shape
        _, num_regions, regions_dim = regions_shape
        return ((batch, words_dim), (batch, regions_dim)), (
            (batch, num_words),
            (batch, num_regions),
            (batch, num_words, num_regions),
        )

    def compute_output_spec(
        self, words, regions, words_mask=None, regions_mask=None
    ):
        filtered, weights = self.compute_output_shape(
            words.shape, regions.shape
        )
        return tuple(
            KerasTensor(shape, dtype=self.compute_dtype) for shape in filtered
        ), tuple(
            KerasTensor(shape, dtype=self.softmax.compute_dtype)
            for shape in weights
        )

    def get_config(self):
        return {
            **super().get_config(),
            "attention_dim": self.attention_dim,
            "temperature": self.temperature,
        }
