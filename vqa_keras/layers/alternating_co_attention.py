import keras
from keras import KerasTensor
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class AlternatingCoAttention(keras.layers.Layer):
    """The words look at themselves, then at the regions, which look back.

    Three attentions in a row, each guided by what the last one found:

        start            = attention_1(words)
        regions_filtered = attention_2(regions, start)
        words_filtered   = attention_3(words, regions_filtered)

    where an attention over X with the guide g is

        H = tanh(X W_x + g W_g),  weights = softmax_i(H w),  sum_i weights_i x_i

    and the first has no guide. Each has weights of its own.

    Args:
        attention_dim: int. Width K of the hidden layers H.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        words: word embeddings, `(B, N, D)`.
        regions: region embeddings, `(B, M, D)`; their width may differ.
        words_mask: optional bool or int, `(B, N)`, 0 at padding. Defaults to
            the Keras mask attached to `words`.
        regions_mask: optional bool or int, `(B, M)`, likewise.

    Returns:
        `(words_filtered, regions_filtered), (words_weights, regions_weights,
        start_weights)`:

        words_filtered: `(B, D)`, the words averaged under the weights of the
            third attention.
        regions_filtered: `(B, D)`, the regions under those of the second.
        words_weights: `(B, N)`, 0 at padding, summing to 1 over the other
            words. A question with no valid word gets all-zero weights and
            `words_filtered`. Like the others float32 also under mixed
            precision.
        regions_weights: `(B, M)`, likewise.
        start_weights: `(B, N)`, those of the first attention, likewise.

    Raises:
        ValueError: if `attention_dim < 1`, `words` or `regions` is not of
            rank 3, or a mask has another shape than what it masks.

    Departure from the paper: none in the formula. The released code has a bias
    in each map and dropout on the hidden layers, which the paper's formulas
    have not.

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
        self.softmax = keras.layers.Softmax(
            dtype=keras.backend.result_type(self.compute_dtype, "float32"),
            name="softmax",
        )

    def _dense(self, name, units=None):
        return keras.layers.Dense(
            units or self.attention_dim,
            use_bias=False,
            dtype=self.dtype_policy,
            name=name,
        )

    def build(self, words_shape, regions_shape):
        if len(words_shape) != 3 or len(regions_shape) != 3:
            raise ValueError(
                "`words` and `regions` must have shape (batch, positions, "
                "features); flatten a CNN grid first. Received: "
                f"words.shape={words_shape}, regions.shape={regions_shape}"
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
        words = zero_padding(words, words_mask)
        regions = zero_padding(regions, regions_mask)
        start, start_weights = self._attend(
            words,
            words_mask,
            self.start_dense(words),
            self.start_score_dense,
        )
        guide = ops.expand_dims(self.regions_guide_dense(start), axis=1)
        regions_filtered, regions_weights = self._attend(
            regions,
            regions_mask,
            self.regions_dense(regions) + guide,
            self.regions_score_dense,
        )
        guide = ops.expand_dims(self.words_guide_dense(regions_filtered), 1)
        words_filtered, words_weights = self._attend(
            words,
            words_mask,
            self.words_dense(words) + guide,
            self.words_score_dense,
        )
        return (words_filtered, regions_filtered), (
            words_weights,
            regions_weights,
            start_weights,
        )

    def _attend(self, sequence, mask, hidden, score_dense):
        scores = ops.squeeze(score_dense(ops.tanh(hidden)), axis=-1)  # (B, P)
        # A copy, since Keras would hand the softmax's mask on to its losses.
        weights = ops.copy(self.softmax(scores, mask=mask))
        filtered = ops.einsum(
            "bp,bpd->bd", ops.cast(weights, self.compute_dtype), sequence
        )
        return filtered, weights

    def compute_output_shape(self, words_shape, regions_shape):
        batch, num_words, words_dim = words_shape
        _, num_regions, regions_dim = regions_shape
        return ((batch, words_dim), (batch, regions_dim)), (
            (batch, num_words),
            (batch, num_regions),
            (batch, num_words),
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
        return {**super().get_config(), "attention_dim": self.attention_dim}
