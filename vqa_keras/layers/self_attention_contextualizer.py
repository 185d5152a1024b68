import math

import keras
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.attend_in_heads import pairs_mask
from vqa_keras.layers.attention_layer import AttentionLayer
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class SelfAttentionContextualizer(AttentionLayer):
    """Adds context to the regions by self-attention among them.

        s_ij = v_i . v_j / sqrt(D)
        p_ij = softmax_j(s_ij)
        v'_i = v_i + sum_j p_ij v_j

    This form has no parameters. With an `attention_dim` K the scores come from
    bias-free projections, split among H heads of K / H units, and the mean of
    the heads' weights takes the place of p_ij:

        s^h_ij = (W_Q^h v_i) . (W_K^h v_j) / sqrt(K / H)
        p_ij   = mean_h softmax_j(s^h_ij)

    A region is in its own context unless `exclude_self` is set. Without
    projections its own weight then often outweighs all others, since |v_i|^2
    is large.

    Args:
        attention_dim: int or `None`. Width K of the projections of all heads
            together; `None` for the form without projections. Defaults to
            `None`.
        num_heads: int. Number of heads H, which must divide K, and be 1 without
            projections. Defaults to 1.
        exclude_self: bool. Whether a region's own weight is 0. Defaults to
            `False`.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        regions: region embeddings, `(B, M, D)`.
        regions_mask: optional bool or int, `(B, M)`, 0 at padding. Defaults to
            the Keras mask attached to `regions`.

    Returns:
        regions: `(B, M, D)`, zeros at padding. A region without another to
            attend to is unchanged.
        weights: float32, `(B, H, M, M)`, at `[:, h, i, j]` that of region j for
            region i: 0 at padding of either. Over j they sum to 1, or to 0
            where no region is left to attend to. Scores are float32 too.

    Raises:
        ValueError: if `attention_dim < 1` or `num_heads < 1`, the heads do not
            divide `attention_dim`, there are several heads but no
            `attention_dim`, `regions` is not of rank 3, or the mask has another
            shape.

    Departure from the article: it leaves the scores open; these are scaled dot
    products, as in the Transformer. The heads are averaged on the full width
    of the regions, as in dense co-attention, so that no projection is needed
    behind them.

    Example:
    ```python
    regions = keras.random.normal((2, 49, 64))
    contextualizer = vqa_keras.layers.SelfAttentionContextualizer()
    regions, weights = contextualizer(regions)
    print(regions.shape, weights.shape)  # (2, 49, 64) (2, 1, 49, 49)
    ```

    References:
        [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762), the scores.
        [Nguyen and Okatani, 2018](https://arxiv.org/abs/1804.00775), the heads.
    """

    keeps = ("regions",)

    def __init__(
        self, attention_dim=None, num_heads=1, exclude_self=False, **kwargs
    ):
        super().__init__(**kwargs)
        check_size("num_heads", num_heads)
        if attention_dim is not None:
            check_size("attention_dim", attention_dim)
        if (attention_dim or 1) % num_heads:
            raise ValueError(
                "`num_heads` must divide `attention_dim`, and be 1 without it. "
                f"Received: num_heads={num_heads}, "
                f"attention_dim={attention_dim}"
            )
        self.attention_dim = attention_dim
        self.num_heads = num_heads
        self.exclude_self = exclude_self
        if attention_dim is not None:
            dtype = self.dtype_policy
            self.query_dense = keras.layers.Dense(
                attention_dim, use_bias=False, dtype=dtype, name="query_dense"
            )
            self.key_dense = keras.layers.Dense(
                attention_dim, use_bias=False, dtype=dtype, name="key_dense"
            )

    def build(self, regions_shape):
        self.check_rank(
            "regions", regions_shape, "batch", "regions", "features"
        )
        if self.attention_dim is not None:
            self.query_dense.build(regions_shape)
            self.key_dense.build(regions_shape)

    def call(self, regions, regions_mask=None):
        regions = zero_padding(regions, regions_mask, "regions_mask")
        queries = keys = regions
        if self.attention_dim is not None:
            queries = self.query_dense(regions)  # (B, M, K)
            keys = self.key_dense(regions)
        queries, keys = self._split(queries), self._split(keys)
        queries = queries / math.sqrt(queries.shape[-1])
        scores = ops.einsum("bihk,bjhk->bhij", queries, keys)  # (B, H, M, M)
        weights = self.softmax(scores, self._pairs(regions, regions_mask))
        mean = ops.mean(weights, axis=1)  # (B, M, M)
        filtered = self.weighted_sum("bij,bjd->bid", mean, regions)
        return zero_padding(regions + filtered, regions_mask), weights

    def _split(self, vectors):
        """Splits (B, M, K) among the heads: (B, M, H, K / H), in float32.

        In float16, products of long vectors, regions with themselves, overflow.
        """
        dim = vectors.shape[-1] // self.num_heads
        return ops.reshape(
            ops.cast(vectors, self.weights_dtype),
            (-1, ops.shape(vectors)[1], self.num_heads, dim),
        )

    def _pairs(self, regions, regions_mask):
        """Returns a mask that broadcasts to (B, H, M, M), or None."""
        pairs = pairs_mask(regions_mask, regions_mask)
        if self.exclude_self:
            position = ops.arange(ops.shape(regions)[1])
            is_other = (position[:, None] != position)[None, None]
            pairs = is_other if pairs is None else pairs & is_other
        return pairs

    def compute_output_shape(self, regions_shape):
        batch, num_regions, _ = regions_shape
        return regions_shape, (batch, self.num_heads, num_regions, num_regions)

    def get_config(self):
        return {
            **super().get_config(),
            "attention_dim": self.attention_dim,
            "num_heads": self.num_heads,
            "exclude_self": self.exclude_self,
        }
