import keras
from keras import KerasTensor
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.attend_in_heads import attend_in_heads
from vqa_keras.layers.attend_in_heads import pairs_mask
from vqa_keras.layers.check_mask import check_mask


@keras.saving.register_keras_serializable(package="vqa_keras")
class MultiHeadAttention(keras.layers.Layer):
    """Every position of one sequence attends to another, in several heads.

    Each of the H heads compares its own D / H units of query and key; what the
    heads found is joined and projected:

        q_p, k_m, v_m = W_Q query_p + b_Q, W_K context_m + b_K,
                        W_V context_m + b_V            each split among heads
        w^h_p         = softmax_m(q^h_p . k^h_m / sqrt(D / H))
        filtered_p    = W_O [sum_m w^1_pm v^1_m; ...; sum_m w^H_pm v^H_m] + b_O

    `query` and `context` may be the same sequence: self-attention. The bias b_K
    adds the same to all scores of a query, so it changes no output and gets no
    gradient; it is there because the paper's models have it.

    `keras.layers.MultiHeadAttention` computes the same, with other shapes of
    weights, but its softmax runs in half precision under mixed policies, and
    without a valid position it gives the output's bias.

    Args:
        num_heads: int. Number of heads H, a divisor of the width D.
        dropout: float. Share of the attention weights that are dropped in
            training. The weights returned are those before. Defaults to 0.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        query: the positions that ask, `(B, P, D)`.
        context: the positions that answer, `(B, M, D_C)`.
        query_mask: optional bool or int, `(B, P)`, 0 at padding. Defaults to
            the Keras mask attached to `query`.
        context_mask: the same of `context`, `(B, M)`.

    Returns:
        filtered: `(B, P, D)`. All zeros at padding of the query, and where no
            position of the context is valid.
        weights: `(B, H, P, M)`, 0 at padding of either. Those of each valid
            position of the query sum to 1 over the valid ones of the context,
            if there are any. Softmax and weights are float32 also under mixed
            precision.

    Raises:
        ValueError: if `num_heads < 1` or the heads do not divide the width, or
            if an input is not of rank 3.

    Reference:
        [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762).
    """

    def __init__(self, num_heads, dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        check_size("num_heads", num_heads)
        self.supports_masking = True
        self.num_heads = num_heads
        self.dropout = dropout
        self.softmax = keras.layers.Softmax(
            dtype=keras.backend.result_type(self.compute_dtype, "float32"),
            name="softmax",
        )
        self.weights_dropout = keras.layers.Dropout(
            dropout, dtype=self.dtype_policy, name="weights_dropout"
        )

    def build(self, query_shape, context_shape):
        for name, shape in [("query", query_shape), ("context", context_shape)]:
            if len(shape) != 3:
                raise ValueError(
                    f"`{name}` must have shape (batch, positions, features); "
                    f"flatten a CNN grid first. Received: {name}.shape={shape}"
                )
        dim = query_shape[-1]
        if dim % self.num_heads:
            raise ValueError(
                "`num_heads` must divide the width of `query`. Received: "
                f"num_heads={self.num_heads}, query.shape={query_shape}"
            )
        (
            self.query_dense,
            self.key_dense,
            self.value_dense,
            self.output_dense,
        ) = (
            keras.layers.Dense(dim, dtype=self.dtype_policy, name=name)
            for name in (
                "query_dense",
                "key_dense",
                "value_dense",
                "output_dense",
            )
        )
        self.query_dense.build(query_shape)
        self.key_dense.build(context_shape)
        self.value_dense.build(context_shape)
        self.output_dense.build(query_shape)

    def call(self, query, context, query_mask=None, context_mask=None):
        check_mask("query_mask", query_mask, query)
        check_mask("context_mask", context_mask, context)
        mask = pairs_mask(query_mask, context_mask)
        found, weights = attend_in_heads(
            self.query_dense(query),
            self.key_dense(context),
            self.value_dense(context),
            self.num_heads,
            self.softmax,
            mask,
            self.weights_dropout,
        )
        filtered = self.output_dense(found)
        if mask is not None:
            any_valid = ops.any(mask[:, 0], axis=-1, keepdims=True)
            filtered = ops.where(any_valid, filtered, 0.0)
        return filtered, weights

    def compute_mask(self, query, previous_mask):
        return None

    def compute_output_shape(self, query_shape, context_shape):
        batch, num_positions, _ = query_shape
        return query_shape, (
            batch,
            self.num_heads,
            num_positions,
            context_shape[1],
        )

    def compute_output_spec(
        self, query, context, query_mask=None, context_mask=None
    ):
        filtered, weights = self.compute_output_shape(
            query.shape, context.shape
        )
        return (
            KerasTensor(filtered, dtype=self.compute_dtype),
            KerasTensor(weights, dtype=self.softmax.compute_dtype),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "dropout": self.dropout,
        }
