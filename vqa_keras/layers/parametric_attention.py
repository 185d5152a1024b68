import keras
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.attention_layer import AttentionLayer
from vqa_keras.layers.cast_finite import cast_finite
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class ParametricAttention(AttentionLayer):
    """Parametric attention: scores each region with a small network.

        h_i      = tanh(W_I v_i + W_Q v_Q + b_Q)
        p_i      = softmax_i(w_h . h_i)
        filtered = sum_i p_i v_i

    With several glimpses, w_h has a column for each: every glimpse has its own
    scores and softmax on the same h_i, and the results are concatenated.

    Args:
        attention_dim: int. Width K of the hidden layer h.
        num_glimpses: int. Number of glimpses G. Defaults to 1.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        question: question embedding, `(B, D_Q)`.
        regions: region embeddings, `(B, M, D)`.
        regions_mask: optional bool or int, `(B, M)`, 0 at padding. Defaults to
            the Keras mask attached to `regions`.

    Returns:
        filtered: `(B, D)`, the mean of the regions under `weights`; `(B, G D)`
            with several glimpses.
        weights: float32, `(B, M)`, 0 at padding, summing to 1 over the other
            regions; `(B, G, M)` with several glimpses. An image with no valid
            region gets all-zero weights and `filtered`.

    Raises:
        ValueError: if `attention_dim < 1` or `num_glimpses < 1`, `question` is
            not of rank 2, `regions` not of rank 3, or the mask has another
            shape.

    Departure from the article: it prints h_i without the tanh and the score
    with a bias. The question would then add the same amount to the score of
    every region, as does the bias, and the softmax would cancel both.

    Departure from the paper: its released code puts a tanh on each projection
    and another on the score, which caps the largest weight at 3.65 % of 196
    regions. This is the printed form, whose weights can be sharp.

    Example:
    ```python
    question = keras.random.normal((2, 64))
    regions = keras.random.normal((2, 49, 128))
    layer = vqa_keras.layers.ParametricAttention(attention_dim=32)
    filtered, weights = layer(question, regions)
    print(filtered.shape, weights.shape)  # (2, 128) (2, 49)
    ```

    References:
        [Yang et al., 2016](https://arxiv.org/abs/1511.02274).
        [Kazemi and Elqursh, 2017](https://arxiv.org/abs/1704.03162), glimpses.
    """

    def __init__(self, attention_dim, num_glimpses=1, **kwargs):
        super().__init__(**kwargs)
        check_size("attention_dim", attention_dim)
        check_size("num_glimpses", num_glimpses)
        self.attention_dim = attention_dim
        self.num_glimpses = num_glimpses
        dtype = self.dtype_policy
        # In float32: a query that is a product of vectors, as a memory is,
        # exceeds the range of float16.
        self.question_dense = keras.layers.Dense(
            attention_dim, dtype=self.weights_dtype, name="question_dense"
        )
        self.regions_dense = keras.layers.Dense(
            attention_dim, use_bias=False, dtype=dtype, name="regions_dense"
        )
        self.score_dense = keras.layers.Dense(
            num_glimpses, use_bias=False, dtype=dtype, name="score_dense"
        )

    def build(self, question_shape, regions_shape):
        self.check_rank("question", question_shape, "batch", "features")
        self.check_rank(
            "regions", regions_shape, "batch", "regions", "features"
        )
        self.question_dense.build(question_shape)
        self.regions_dense.build(regions_shape)
        self.score_dense.build((*regions_shape[:-1], self.attention_dim))

    def call(self, question, regions, regions_mask=None):
        regions = zero_padding(regions, regions_mask, "regions_mask")
        return self.attend(question, regions, regions_mask)

    def attend(self, question, regions, regions_mask=None):
        """Computes `call` for regions whose padding is zeros already.

        A layer of several hops zeroes the padding once and calls this in each
        hop. `regions_mask` need only broadcast to `(B, M)`.
        """
        question = cast_finite(
            self.question_dense(question), self.compute_dtype
        )[:, None]  # (B, 1, K)
        hidden = ops.tanh(self.regions_dense(regions) + question)  # (B, M, K)
        scores = ops.swapaxes(self.score_dense(hidden), 1, 2)  # (B, G, M)
        if regions_mask is not None:
            regions_mask = regions_mask[:, None]  # (B, 1, M)
        weights = self.softmax(scores, regions_mask)  # (B, G, M)
        filtered = self.weighted_sum("bgm,bmd->bgd", weights, regions)
        filtered = ops.reshape(
            filtered, (-1, self.num_glimpses * regions.shape[-1])
        )  # (B, G D)
        if self.num_glimpses == 1:
            weights = weights[:, 0]
        return filtered, weights

    def compute_output_shape(self, question_shape, regions_shape):
        batch, num_regions, dim = regions_shape
        glimpses = (self.num_glimpses,) if self.num_glimpses > 1 else ()
        return (
            (batch, self.num_glimpses * dim),
            (batch, *glimpses, num_regions),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "attention_dim": self.attention_dim,
            "num_glimpses": self.num_glimpses,
        }
