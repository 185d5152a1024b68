import keras
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.attention_layer import AttentionLayer
from vqa_keras.layers.masked_mean import masked_mean
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class DualAttention(AttentionLayer):
    """Multi-hop co-attention: one memory queries words and regions (r-DAN).

    The initial memory is the product of the mean word and the mean region. In
    every hop it is the query of both sides, and the product of the filtered
    words and regions is added to it (`o` is the product of elements):

        t_0      = mean of the words
        v_0      = tanh(P_0 (mean of the regions) + b_0)
        memory_0 = t_0 o v_0

        a_n      = tanh(W_t word_n + b_t) o tanh(W_tm memory_{j-1} + b_tm)
        p_n      = softmax_n(w_t . a_n)
        t_j      = sum_n p_n word_n
        h_i      = tanh(W_v region_i + b_v) o tanh(W_vm memory_{j-1} + b_vm)
        q_i      = softmax_i(w_v . h_i)
        v_j      = tanh(P_j (sum_i q_i region_i) + b_j)
        memory_j = memory_{j-1} + t_j o v_j

    P projects the regions, of any width D_V, to the width D of the words. Since
    memory and input are multiplied before the score, the softmax cannot cancel
    the memory, as it does a sum without tanh (see `ParametricAttention`).

    Args:
        attention_dim: int. Width K of the hidden layers a and h.
        num_hops: int. Number of hops H. Defaults to 2, as in the paper. Hop j
            has the sublayers `words_j`, `regions_j` and `image_dense_j` (P_j),
            each with weights of its own.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        words: word embeddings, `(B, N, D)`.
        regions: region embeddings, `(B, M, D_V)`.
        words_mask: optional bool or int, `(B, N)`, 0 at padding. Defaults to
            the Keras mask attached to `words`.
        regions_mask: optional bool or int, `(B, M)`, likewise.

    Returns:
        memory: `(B, D)`, memory_H, zeros for a question without a word. The
            regions of an image without a valid one count as zeros, which P
            projects to tanh(b_0), tanh(b_j).
        weights: `(words_weights, regions_weights)`, float32, `(B, H, N)` and
            `(B, H, M)`, the weights of hop j at `[:, j - 1]`. Each hop's are 0
            at padding and sum to 1 over the rest (all 0 where nothing is
            valid).

    Raises:
        ValueError: if `attention_dim < 1` or `num_hops < 1`, words or regions
            are not of rank 3, or a mask has another shape than its sequence.

    Departure from the paper: its formulas omit the biases; here every Dense
    has one except those of the scores, which softmax would cancel.

    Example:
    ```python
    words = keras.random.normal((2, 8, 64))
    regions = keras.random.normal((2, 49, 128))
    layer = vqa_keras.layers.DualAttention(attention_dim=32, num_hops=2)
    memory, (words_weights, regions_weights) = layer(words, regions)
    print(memory.shape)  # (2, 64)
    print(words_weights.shape, regions_weights.shape)  # (2, 2, 8) (2, 2, 49)
    ```

    Reference:
        [Nam et al., 2017](https://arxiv.org/abs/1611.00471), r-DAN.
    """

    def __init__(self, attention_dim, num_hops=2, **kwargs):
        super().__init__(**kwargs)
        check_size("attention_dim", attention_dim)
        check_size("num_hops", num_hops)
        self.attention_dim = attention_dim
        self.num_hops = num_hops
        self.words_hops, self.regions_hops = (
            [
                _MultiplicativeAttention(
                    attention_dim, dtype=self.dtype_policy, name=f"{side}_{j}"
                )
                for j in range(1, num_hops + 1)
            ]
            for side in ("words", "regions")
        )

    def build(self, words_shape, regions_shape):
        self.check_rank("words", words_shape, "batch", "words", "features")
        self.check_rank(
            "regions", regions_shape, "batch", "regions", "features"
        )
        memory_shape = (words_shape[0], words_shape[-1])
        self.image_denses = [
            keras.layers.Dense(
                words_shape[-1],
                activation="tanh",
                dtype=self.dtype_policy,
                name=f"image_dense_{j}",
            )
            for j in range(self.num_hops + 1)
        ]
        for dense in self.image_denses:
            dense.build((regions_shape[0], regions_shape[-1]))
        for hop in self.words_hops:
            hop.build(memory_shape, words_shape)
        for hop in self.regions_hops:
            hop.build(memory_shape, regions_shape)

    def call(self, words, regions, words_mask=None, regions_mask=None):
        words = zero_padding(words, words_mask, "words_mask")
        regions = zero_padding(regions, regions_mask, "regions_mask")
        image = self.image_denses[0](masked_mean(regions, regions_mask))
        question = ops.cast(masked_mean(words, words_mask), self.compute_dtype)
        memory = question * image  # (B, D)
        words_weights, regions_weights = [], []
        for words_hop, regions_hop, image_dense in zip(
            self.words_hops,
            self.regions_hops,
            self.image_denses[1:],
            strict=True,
        ):
            from_words, weights = words_hop(
                memory, words, regions_mask=words_mask
            )  # (B, D), (B, N)
            words_weights.append(weights)
            from_regions, weights = regions_hop(
                memory, regions, regions_mask=regions_mask
            )  # (B, D_V), (B, M)
            regions_weights.append(weights)
            memory = memory + from_words * image_dense(from_regions)  # (B, D)
        return memory, (
            ops.stack(words_weights, axis=1),  # (B, H, N)
            ops.stack(regions_weights, axis=1),  # (B, H, M)
        )

    def compute_output_shape(self, words_shape, regions_shape):
        batch, num_words, dim = words_shape
        return (batch, dim), (
            (batch, self.num_hops, num_words),
            (batch, self.num_hops, regions_shape[1]),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "attention_dim": self.attention_dim,
            "num_hops": self.num_hops,
        }


class _MultiplicativeAttention(AttentionLayer):
    """One hop on one side; `regions` are the words on the words' side.

    score_i = w . (tanh(W region_i + b) o tanh(W_m memory + b_m))
    """

    def __init__(self, attention_dim, **kwargs):
        super().__init__(**kwargs)
        self.attention_dim = attention_dim
        dtype = self.dtype_policy
        self.memory_dense, self.regions_dense = (
            keras.layers.Dense(
                attention_dim, activation="tanh", dtype=dtype, name=name
            )
            for name in ("memory_dense", "regions_dense")
        )
        self.score_dense = keras.layers.Dense(
            1, use_bias=False, dtype=dtype, name="score_dense"
        )

    def build(self, memory_shape, regions_shape):
        self.memory_dense.build(memory_shape)
        self.regions_dense.build(regions_shape)
        self.score_dense.build((*regions_shape[:-1], self.attention_dim))

    def call(self, memory, regions, regions_mask=None):
        memory = self.memory_dense(memory)[:, None]  # (B, 1, K)
        hidden = self.regions_dense(regions) * memory  # (B, M, K)
        scores = self.score_dense(hidden)[..., 0]
        weights = self.softmax(scores, regions_mask)  # (B, M)
        return self.weighted_sum("bm,bmd->bd", weights, regions), weights
