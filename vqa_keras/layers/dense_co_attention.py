import keras
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.attention_layer import AttentionLayer
from vqa_keras.layers.zero_padding import zero_padding
from vqa_keras.renamed import refuse_old_arguments


@keras.saving.register_keras_serializable(package="vqa_keras")
class DenseCoAttention(AttentionLayer):
    """Dense symmetric co-attention between all words and all regions.

    One affinity between all pairs serves both directions. K learned vectors,
    null slots, are appended to the keys of each side and take the weight
    of a word without a counterpart in the image, or the reverse.

        Q~       = [words; K slots],  V~ = [regions; K slots]
        A^(i)    = (W_Q^(i) Q~) (W_V^(i) V~)^T / sqrt(D / heads)
        P_Q, P_V = mean_i softmax of A^(i) over the slots of V~, of Q~
        words'_n   = words_n + drop(relu(W_1 [words_n; P_Q V~] + b_1))
        regions'_t = regions_t + drop(relu(W_2 [regions_t; P_V Q~] + b_2))

    P_Q and P_V, the means of the heads, weight vectors of the full width; the
    heads do not split it. Both sides are updated from the old pair, so the
    layer is symmetric; its outputs have the shapes of its inputs, so it can be
    stacked.

    Args:
        num_heads: int. Number of heads, a divisor of the width D. Defaults to
            4.
        num_null_slots: int. Number K of null slots on each side, 0 for none.
            Defaults to 3.
        dropout: float. Fraction of the added vectors to drop in training.
            Defaults to 0.3.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        words: word embeddings, `(B, N, D)`.
        regions: region embeddings of the same width, `(B, M, D)`.
        words_mask: optional bool or int, `(B, N)`, 0 at padding. Defaults to
            the Keras mask attached to `words`.
        regions_mask: optional bool or int, `(B, M)`, likewise.

    Returns:
        `(words, regions), (words_to_regions, regions_to_words)`:

        words, regions: `(B, N, D)` and `(B, M, D)`, zeros at padding. If a side
            has no valid position, the vectors filtered from it come from its
            null slots only, and are zeros without slots.
        words_to_regions, regions_to_words: float32, `(B, N, M)` and
            `(B, M, N)`, the means of the heads without the null slots: a row
            sums to at most 1, and the slots have the rest. Rows and columns of
            padding are 0.

    Raises:
        ValueError: if a size is too small, `dropout` is outside [0, 1), words
            or regions are not of rank 3, they differ in width, the heads do
            not divide it, or a mask has another shape than its sequence.

    Departure from the paper: none in the formula. Its released code prepends
    the slots, which changes nothing.

    Example:
    ```python
    words = keras.random.normal((2, 8, 64))
    regions = keras.random.normal((2, 49, 64))
    layer = vqa_keras.layers.DenseCoAttention(num_heads=4)
    (words, regions), (words_to_regions, _) = layer(words, regions)
    print(words.shape, regions.shape)  # (2, 8, 64) (2, 49, 64)
    print(words_to_regions.shape)  # (2, 8, 49)
    ```

    Reference:
        [Nguyen and Okatani, 2018](https://arxiv.org/abs/1804.00775).
    """

    keeps = ("words", "regions")

    def __init__(self, num_heads=4, num_null_slots=3, dropout=0.3, **kwargs):
        refuse_old_arguments("DenseCoAttention", kwargs)
        super().__init__(**kwargs)
        check_size("num_heads", num_heads)
        check_size("num_null_slots", num_null_slots, minimum=0)
        if not 0 <= dropout < 1:
            raise ValueError(
                f"`dropout` must be in [0, 1). Received: {dropout}"
            )
        self.num_heads = num_heads
        self.num_null_slots = num_null_slots
        self.dropout = dropout
        self.words_dropout, self.regions_dropout = (
            keras.layers.Dropout(dropout, dtype=self.dtype_policy, name=name)
            for name in ("words_dropout", "regions_dropout")
        )

    def build(self, words_shape, regions_shape):
        self.check_rank("words", words_shape, "batch", "words", "features")
        self.check_rank(
            "regions", regions_shape, "batch", "regions", "features"
        )
        dim = words_shape[-1]
        if regions_shape[-1] != dim:
            raise ValueError(
                "`words` and `regions` must have the same width. Received: "
                f"words.shape={words_shape}, regions.shape={regions_shape}"
            )
        if dim % self.num_heads:
            raise ValueError(
                "`num_heads` must divide the width of words and regions. "
                f"Received: num_heads={self.num_heads}, width={dim}"
            )
        self.words_dense, self.regions_dense = (
            keras.layers.Dense(
                dim, use_bias=False, dtype=self.dtype_policy, name=name
            )
            for name in ("words_dense", "regions_dense")
        )
        self.words_fusion_dense, self.regions_fusion_dense = (
            keras.layers.Dense(
                dim, activation="relu", dtype=self.dtype_policy, name=name
            )
            for name in ("words_fusion_dense", "regions_fusion_dense")
        )
        self.words_dense.build(words_shape)
        self.regions_dense.build(regions_shape)
        self.words_fusion_dense.build((*words_shape[:-1], 2 * dim))
        self.regions_fusion_dense.build((*regions_shape[:-1], 2 * dim))
        self.words_null_slots = self.regions_null_slots = None
        if self.num_null_slots:
            self.words_null_slots, self.regions_null_slots = (
                self.add_weight((self.num_null_slots, dim), name=name)
                for name in ("words_null_slots", "regions_null_slots")
            )

    def call(self, words, regions, words_mask=None, regions_mask=None):
        words = zero_padding(words, words_mask, "words_mask")
        regions = zero_padding(regions, regions_mask, "regions_mask")
        words_keys = _append(words, self.words_null_slots)  # (B, N + K, D)
        regions_keys = _append(
            regions, self.regions_null_slots
        )  # (B, M + K, D)
        # The slots are keys only: their own rows are dropped.
        real = slice(-self.num_null_slots or None)
        affinity = self._affinity(words_keys, regions_keys)
        words_weights = self._weights(
            affinity[:, :, real], regions_mask
        )  # (B, N, M + K)
        affinity = ops.swapaxes(affinity, 2, 3)
        regions_weights = self._weights(
            affinity[:, :, real], words_mask
        )  # (B, M, N + K)

        filtered = self.weighted_sum(
            "bnm,bmd->bnd", words_weights, regions_keys
        )
        added = self.words_fusion_dense(ops.concatenate([words, filtered], -1))
        new_words = words + self.words_dropout(added)
        filtered = self.weighted_sum(
            "bmn,bnd->bmd", regions_weights, words_keys
        )
        added = self.regions_fusion_dense(
            ops.concatenate([regions, filtered], -1)
        )
        new_regions = regions + self.regions_dropout(added)
        return (
            (
                zero_padding(new_words, words_mask),
                zero_padding(new_regions, regions_mask),
            ),
            (
                zero_padding(words_weights[:, :, real], words_mask),
                zero_padding(regions_weights[:, :, real], regions_mask),
            ),
        )

    def _affinity(self, words, regions):
        """Returns the scores of all pairs, (B, heads, N + K, M + K)."""
        # In float32: products of long vectors overflow in float16.
        words = ops.cast(self.words_dense(words), self.weights_dtype)
        regions = ops.cast(self.regions_dense(regions), self.weights_dtype)
        words, regions = self._split(words), self._split(regions)
        words = words / words.shape[-1] ** 0.5
        return ops.einsum("bnhd,bmhd->bhnm", words, regions)

    def _split(self, sequence):
        batch, length, dim = ops.shape(sequence)
        head_dim = dim // self.num_heads
        return ops.reshape(sequence, (batch, length, self.num_heads, head_dim))

    def _weights(self, affinity, mask):
        """Returns the mean of the heads' weights over keys and null slots."""
        if mask is not None:
            slots = [(0, 0), (0, self.num_null_slots)]
            mask = ops.pad(ops.cast(mask, "int32"), slots, constant_values=1)
            mask = mask[:, None, None]  # (B, 1, 1, M + K)
        return ops.mean(self.softmax(affinity, mask), axis=1)

    def compute_output_shape(self, words_shape, regions_shape):
        batch, num_words, _ = words_shape
        num_regions = regions_shape[1]
        return (
            (words_shape, regions_shape),
            ((batch, num_words, num_regions), (batch, num_regions, num_words)),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "num_null_slots": self.num_null_slots,
            "dropout": self.dropout,
        }


def _append(sequence, slots):
    """Appends the same slots, (K, D), to every sequence of (B, P, D)."""
    if slots is None:
        return sequence
    slots = ops.cast(slots, sequence.dtype)[None]
    slots = ops.broadcast_to(slots, (ops.shape(sequence)[0], *slots.shape[1:]))
    return ops.concatenate([sequence, slots], axis=1)
