import keras
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.attend_in_heads import attend_in_heads
from vqa_keras.layers.attend_in_heads import pairs_mask
from vqa_keras.layers.attention_layer import AttentionLayer
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class MultiHeadAttention(AttentionLayer):
    """Multi-head attention from the positions of one sequence to another.

    Each of the H heads scores with its own D / H units of query and key; the
    filtered values of all heads are concatenated and projected:

        q_p, k_m, v_m = W_Q query_p + b_Q, W_K context_m + b_K,
                        W_V context_m + b_V            each split among heads
        w^h_p         = softmax_m(q^h_p . k^h_m / sqrt(D / H))
        filtered_p    = W_O [sum_m w^1_pm v^1_m; ...; sum_m w^H_pm v^H_m] + b_O

    With the same sequence as `query` and `context` this is self-attention. The
    bias b_K adds the same amount to all scores of a query, so it changes no
    output and gets no gradient; it is kept because the paper's models have it.

    `keras.layers.MultiHeadAttention` computes the same with weights of other
    shapes, but under mixed precision its softmax is in half precision, and
    without a valid position it returns the output's bias.

    Args:
        num_heads: int. Number of heads H, a divisor of the width D.
        dropout: float. Fraction of the attention weights to drop in training.
            The weights returned are those before. Defaults to 0.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        query: `(B, P, D)`.
        context: the sequence attended to, `(B, M, D_C)`.
        query_mask: optional bool or int, `(B, P)`, 0 at padding. Defaults to
            the Keras mask attached to `query`.
        context_mask: optional bool or int, `(B, M)`, likewise.

    Returns:
        filtered: `(B, P, D)`, zeros at padding of the query and where no
            position of the context is valid.
        weights: float32, `(B, H, P, M)`, 0 at padding of either. Over the
            context, those of a valid position of the query sum to 1, or to 0
            where nothing is valid.

    Raises:
        ValueError: if `num_heads < 1` or the heads do not divide the width, an
            input is not of rank 3, or a mask has another shape than its
            sequence.

    Example:
    ```python
    words = keras.random.normal((2, 8, 64))
    regions = keras.random.normal((2, 49, 128))
    layer = vqa_keras.layers.MultiHeadAttention(num_heads=8)
    filtered, weights = layer(words, regions)
    print(filtered.shape, weights.shape)  # (2, 8, 64) (2, 8, 8, 49)
    ```

    Reference:
        [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762).
    """

    keeps = ("query",)

    def __init__(self, num_heads, dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        check_size("num_heads", num_heads)
        self.num_heads = num_heads
        self.dropout = dropout
        self.weights_dropout = keras.layers.Dropout(
            dropout, dtype=self.dtype_policy, name="weights_dropout"
        )

    def build(self, query_shape, context_shape):
        for name, shape in [("query", query_shape), ("context", context_shape)]:
            self.check_rank(name, shape, "batch", "positions", "features")
        dim = query_shape[-1]
        if dim % self.num_heads:
            raise ValueError(
                "`num_heads` must divide the width of `query`. Received: "
                f"num_heads={self.num_heads}, query.shape={query_shape}"
            )
        self.query_dense = self._dense("query_dense", query_shape, dim)
        self.key_dense = self._dense("key_dense", context_shape, dim)
        self.value_dense = self._dense("value_dense", context_shape, dim)
        self.output_dense = self._dense("output_dense", query_shape, dim)

    def _dense(self, name, input_shape, dim):
        dense = keras.layers.Dense(dim, dtype=self.dtype_policy, name=name)
        dense.build(input_shape)
        return dense

    def call(self, query, context, query_mask=None, context_mask=None):
        query = zero_padding(query, query_mask, "query_mask")
        context = zero_padding(context, context_mask, "context_mask")
        return self.attend(query, context, query_mask, context_mask)

    def attend(self, query, context, query_mask=None, context_mask=None):
        """Computes `call` for sequences whose padding is finite already.

        A layer that contains this one zeroes the padding once and calls this.
        """
        mask = pairs_mask(query_mask, context_mask)
        filtered, weights = attend_in_heads(
            self.query_dense(query),
            self.key_dense(context),
            self.value_dense(context),
            self.num_heads,
            self.softmax,
            mask,
            self.weights_dropout,
        )  # (B, P, D), (B, H, P, M)
        filtered = self.output_dense(filtered)
        if mask is not None:  # without a valid pair, b_O would remain
            any_valid = ops.any(mask[:, 0], axis=-1, keepdims=True)
            filtered = ops.where(any_valid, filtered, 0.0)
        return filtered, weights

    def compute_output_shape(self, query_shape, context_shape):
        batch, num_queries, _ = query_shape
        return (
            query_shape,
            (batch, self.num_heads, num_queries, context_shape[1]),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "dropout": self.dropout,
        }
