import keras
from keras import KerasTensor
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.attend_in_heads import attend_in_heads
from vqa_keras.layers.attend_in_heads import pairs_mask
from vqa_keras.layers.masked_mean import masked_mean
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class IntraModalityAttention(keras.layers.Layer):
    """Words gather from the words and regions from the regions, under gates.

    What matters within one side depends on the other: the mean of the other
    side opens a gate on every channel of query and key, from 1 to 2, so it can
    amplify a channel and never close it. In every head of width d = D / heads:

        gate_W     = 1 + sigmoid(W_GW mean_m(regions_m) + b_GW)
        weights_WW = softmax((gate_W o query_W) . (gate_W o key_W) / sqrt(d))
        words'     = W_W (words + weights_WW value_W) + b_W

    and with the sides exchanged for the regions, at the same time. query, key
    and value are linear maps of their side, with biases; what the heads gather
    is concatenated to width D. The means are over what is not padding. A gate
    is the same for all positions, and the values have none. (The biases of the
    keys add the same to all scores of a softmax: they get no gradient.)

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
        `(words, regions), (words_to_words, regions_to_regions)`.

        words: `(B, N, D)`, zeros at padding.
        regions: `(B, M, D)`, zeros at padding.
        words_to_words: `(B, heads, N, N)`, each word's weights of the words:
            0 at padding, summing to 1 over the other words (all 0 for a padded
            word). float32 also under mixed precision.
        regions_to_regions: the same of the regions, `(B, heads, M, M)`.

    Raises:
        ValueError: if `num_heads < 1` or does not divide the width, if words
            and regions are not of rank 3 and the same width, or if a mask has
            another shape than its side's positions.

    Departure from the paper: none that we know of. A later public
    reimplementation also gates the values; here, as in the paper, only queries
    and keys are. Where one side has nothing valid, its mean is zero; positions
    at padding become zeros.

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
        self.words_gate = self._dense("words_gate", dim, "sigmoid")
        self.regions_gate = self._dense("regions_gate", dim, "sigmoid")
        self.words_dense = self._dense("words_dense", dim)
        self.regions_dense = self._dense("regions_dense", dim)

    def _dense(self, name, dim, activation=None):
        dense = keras.layers.Dense(
            dim, activation=activation, dtype=self.dtype_policy, name=name
        )
        dense.build((None, dim))
        return dense

    def call(self, words, regions, words_mask=None, regions_mask=None):
        words = zero_padding(words, words_mask)
        regions = zero_padding(regions, regions_mask)
        # The gate of one side comes from the mean of the other, (B, 1, D).
        gate = 1.0 + self.words_gate(masked_mean(regions, regions_mask))
        gate = ops.expand_dims(gate, axis=1)
        from_words, words_to_words = attend_in_heads(
            gate * self.words_query(words),
            gate * self.words_key(words),
            self.words_value(words),
            self.num_heads,
            self.softmax,
            pairs_mask(words_mask, words_mask),
        )  # (B, N, D), (B, heads, N, N)
        gate = 1.0 + self.regions_gate(masked_mean(words, words_mask))
        gate = ops.expand_dims(gate, axis=1)
        from_regions, regions_to_regions = attend_in_heads(
            gate * self.regions_query(regions),
            gate * self.regions_key(regions),
            self.regions_value(regions),
            self.num_heads,
            self.softmax,
            pairs_mask(regions_mask, regions_mask),
        )  # (B, M, D), (B, heads, M, M)
        words = self.words_dense(words + from_words)
        words = zero_padding(words, words_mask)
        regions = self.regions_dense(regions + from_regions)
        regions = zero_padding(regions, regions_mask)
        return (words, regions), (words_to_words, regions_to_regions)

    def compute_output_shape(self, words_shape, regions_shape):
        shapes = words_shape, regions_shape
        weights_shapes = (
            (batch, self.num_heads, num_positions, num_positions)
            for batch, num_positions, _ in shapes
        )
        return shapes, tuple(weights_shapes)

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
