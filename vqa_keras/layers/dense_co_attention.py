import keras
from keras import KerasTensor
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.check_mask import check_mask
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class DenseCoAttention(keras.layers.Layer):
    """Every word attends to every region, and every region to every word.

    One affinity between all pairs serves both directions. K learned vectors
    are appended to each side, "nowhere" slots: a word that has no counterpart
    in the image can look there instead.

        Q~       = [words; K slots],  V~ = [regions; K slots]
        A^(i)    = (W_Q^(i) Q~) (W_V^(i) V~)^T / sqrt(D / heads)
        P_Q, P_V = mean_i softmax of A^(i) over the slots of V~, of Q~
        words'_n   = words_n + drop(relu(W_1 [words_n; P_Q V~] + b_1))
        regions'_t = regions_t + drop(relu(W_2 [regions_t; P_V Q~] + b_2))

    The heads' maps are averaged over vectors of the full width, they do not
    share it out. Both sides read the old pair, so the layer is symmetric; its
    outputs have the shapes of its inputs, and layers stack.

    Args:
        num_heads: int. Number of heads, a divisor of the width D. Defaults to
            4.
        num_nowhere: int. Number K of slots on each side, 0 for none. Defaults
            to 3.
        dropout: float. Share of what is added that is dropped in training.
            Defaults to 0.3.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        words: word embeddings, `(B, N, D)`.
        regions: region embeddings of the same width, `(B, M, D)`.
        words_mask: optional bool or int, `(B, N)`, 0 at padding.
        regions_mask: optional bool or int, `(B, M)`, 0 at padding. Both
            default to the Keras masks attached to `words` and `regions`.

    Returns:
        A pair of pairs:
        words, regions: `(B, N, D)` and `(B, M, D)`, zeros at padding. Where a
            side has nothing valid, the other reads the slots (zeros without).
        words_to_regions, regions_to_words: `(B, N, M)` and `(B, M, N)`, the
            mean of the heads, without the slots: a row sums to at most 1, and
            the rest went nowhere. Rows and columns of padding are 0. Softmax
            and weights are float32 also under mixed precision.

    Raises:
        ValueError: if a size is too small, `dropout` is outside [0, 1), words
            or regions are not of rank 3, they differ in width, or the heads do
            not divide it.

    Departure from the paper: none in the formula. Its released code prepends
    the slots, which changes nothing.

    Reference:
        [Nguyen and Okatani, 2018](https://arxiv.org/abs/1804.00775).
    """

    def __init__(self, num_heads=4, num_nowhere=3, dropout=0.3, **kwargs):
        super().__init__(**kwargs)
        check_size("num_heads", num_heads)
        check_size("num_nowhere", num_nowhere, minimum=0)
        if not 0 <= dropout < 1:
            raise ValueError(
                f"`dropout` must be in [0, 1). Received: {dropout}"
            )
        self.num_heads = num_heads
        self.num_nowhere = num_nowhere
        self.dropout = dropout
        dtype = self.dtype_policy
        self.words_dropout = keras.layers.Dropout(
            dropout, dtype=dtype, name="words_dropout"
        )
        self.regions_dropout = keras.layers.Dropout(
            dropout, dtype=dtype, name="regions_dropout"
        )
        softmax_dtype = keras.backend.result_type(self.compute_dtype, "float32")
        self.softmax = keras.layers.Softmax(dtype=softmax_dtype, name="softmax")

    def build(self, words_shape, regions_shape):
        ranks = {len(words_shape), len(regions_shape)}
        if ranks != {3} or words_shape[-1] != regions_shape[-1]:
            raise ValueError(
                "`words` and `regions` must have shapes (batch, words, "
                "features) and (batch, regions, features) of the same width. "
                f"Received: words.shape={words_shape}, "
                f"regions.shape={regions_shape}"
            )
        dim = words_shape[-1]
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
        self.words_nowhere = self.regions_nowhere = None
        if self.num_nowhere:
            self.words_nowhere, self.regions_nowhere = (
                self.add_weight((self.num_nowhere, dim), name=name)
                for name in ("words_nowhere", "regions_nowhere")
            )

    def call(self, words, regions, words_mask=None, regions_mask=None):
        check_mask("words_mask", words_mask, words)
        check_mask("regions_mask", regions_mask, regions)
        # The slots answer but do not ask: their own rows are left out.
        words_keys = _append(words, self.words_nowhere)  # (B, N + K, D)
        regions_keys = _append(regions, self.regions_nowhere)
        affinity = self._affinity(words_keys, regions_keys)
        real = slice(-self.num_nowhere or None)
        words_weights = self._weights(affinity[:, :, real], regions_mask)
        affinity = ops.swapaxes(affinity, 2, 3)
        regions_weights = self._weights(affinity[:, :, real], words_mask)

        found = _read(words_weights, regions_keys)  # (B, N, D)
        found = self.words_fusion_dense(ops.concatenate([words, found], -1))
        new_words = words + self.words_dropout(found)
        found = _read(regions_weights, words_keys)  # (B, M, D)
        found = self.regions_fusion_dense(ops.concatenate([regions, found], -1))
        new_regions = regions + self.regions_dropout(found)
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
        """Scores of all pairs in every head: (B, heads, N + K, M + K)."""
        words = self._split(self.words_dense(words))
        regions = self._split(self.regions_dense(regions))
        words = words / words.shape[-1] ** 0.5
        return ops.einsum("bnhd,bmhd->bhnm", words, regions)

    def _split(self, sequence):
        batch, length, dim = ops.shape(sequence)
        head_dim = dim // self.num_heads
        return ops.reshape(sequence, (batch, length, self.num_heads, head_dim))

    def _weights(self, affinity, mask):
        """Softmax over the last axis with its slots, averaged over heads."""
        if mask is not None:
            slots = [(0, 0), (0, self.num_nowhere)]
            mask = ops.pad(ops.cast(mask, "int32"), slots, constant_values=1)
            mask = mask[:, None, None]  # (B, 1, 1, M + K)
        return ops.mean(self.softmax(affinity, mask=mask), axis=1)

    def compute_output_shape(self, words_shape, regions_shape):
        batch, num_words, _ = words_shape
        num_regions = regions_shape[1]
        return (
            (words_shape, regions_shape),
            ((batch, num_words, num_regions), (batch, num_regions, num_words)),
        )

    def compute_output_spec(
        self, words, regions, words_mask=None, regions_mask=None
    ):
        outputs, weights = self.compute_output_shape(words.shape, regions.shape)
        return (
            tuple(KerasTensor(t, dtype=self.compute_dtype) for t in outputs),
            tuple(
                KerasTensor(t, dtype=self.softmax.compute_dtype)
                for t in weights
            ),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "num_nowhere": self.num_nowhere,
            "dropout": self.dropout,
        }


def _append(sequence, slots):
    """Appends the same (K, D) slots to every sequence (B, P, D)."""
    if slots is None:
        return sequence
    slots = ops.cast(slots, sequence.dtype)[None]
    slots = ops.broadcast_to(slots, (ops.shape(sequence)[0], *slots.shape[1:]))
    return ops.concatenate([sequence, slots], axis=1)


def _read(weights, keys):
    return ops.einsum("bpk,bkd->bpd", ops.cast(weights, keys.dtype), keys)
