import math

import keras
from keras import KerasTensor
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.check_mask import check_mask
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class SelfAttentionContextualizer(keras.layers.Layer):
    """Adds to every region what it sees in the others: they attend to them.

        s_ij = v_i . v_j / sqrt(D)
        p_ij = softmax_j(s_ij)
        v'_i = v_i + sum_j p_ij v_j

    That is the form without weights. With an `attention_dim` K the scores come
    from bias-free projections, split among H heads of K / H units, and the mean
    of the heads' weights takes the place of p_ij:

        s^h_ij = (W_Q^h v_i) . (W_K^h v_j) / sqrt(K / H)
        p_ij   = mean_h softmax_j(s^h_ij)

    A region is in its own context unless `exclude_self` is set. Without
    projections it then often sees mostly itself, since |v_i|^2 is large.

    Args:
        attention_dim: int. Width K of the projections, all heads together.
            Defaults to `None`, no projections.
        num_heads: int. Number of heads H, which must divide K; 1 without
            projections. Defaults to 1.
        exclude_self: bool. Whether a region's own weight is 0. Defaults to
            `False`.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        regions: region embeddings, `(B, M, D)`.
        regions_mask: optional bool or int, `(B, M)`, 0 at padding. Defaults to
            the Keras mask attached to `regions`.

    Returns:
        regions: `(B, M, D)`, the regions in context; zeros at padding. A region
            with nothing to attend to stays as it is.
        weights: `(B, H, M, M)`, at `[:, h, i, j]` what region j is to region i.
            0 where either is padding; otherwise they sum to 1 over j, or are
            all 0 if nothing is left to attend to. Scores, softmax and weights
            are float32 also under mixed precision.

    Raises:
        ValueError: if `attention_dim < 1` or `num_heads < 1`, the heads do not
            divide `attention_dim`, there are several heads but no
            `attention_dim`, `regions` is not of rank 3, or the mask has another
            shape.

    Departure from the article: it leaves the scores open; these are scaled dot
    products, as in the Transformer. The heads are averaged on the full width
    of the regions, as in dense co-attention, so that no projection is needed
    behind them.

    References:
        [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762), the scores.
        [Nguyen and Okatani, 2018](https://arxiv.org/abs/1804.00775), the heads.
    """

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
        self.supports_masking = True
        self.attention_dim = attention_dim
        self.num_heads = num_heads
        self.exclude_self = exclude_self
        if attention_dim is not None:
            self.query_dense, self.key_dense = (
                keras.layers.Dense(
                    attention_dim,
                    use_bias=False,
                    dtype=self.dtype_policy,
                    name=name,
                )
                for name in ("query_dense", "key_dense")
            )
        self.softmax = keras.layers.Softmax(
            dtype=keras.backend.result_type(self.compute_dtype, "float32"),
            name="softmax",
        )

    def build(self, regions_shape):
        if len(regions_shape) != 3:
            raise ValueError(
                "`regions` must have shape (batch, regions, features); flatten "
                f"a CNN grid first. Received: regions.shape={regions_shape}"
            )
        if self.attention_dim is not None:
            self.query_dense.build(regions_shape)
            self.key_dense.build(regions_shape)

    def call(self, regions, regions_mask=None):
        if regions_mask is None:
            # Keras hands on masks by name only between several inputs.
            regions_mask = getattr(regions, "_keras_mask", None)
        check_mask("regions_mask", regions_mask, regions)
        queries = keys = regions
        if self.attention_dim is not None:
            queries = self.query_dense(regions)
            keys = self.key_dense(regions)
        queries, keys = self._split(queries), self._split(keys)
        queries = queries / math.sqrt(queries.shape[-1])
        scores = ops.einsum("bihk,bjhk->bhij", queries, keys)  # (B, H, M, M)

        # A copy, since Keras would hand the softmax's mask on to its losses.
        weights = ops.copy(
            self.softmax(scores, mask=self._pairs(regions, regions_mask))
        )
        found = ops.einsum(
            "bij,bjd->bid",
            ops.cast(ops.mean(weights, axis=1), self.compute_dtype),
            regions,
        )
        return zero_padding(regions + found, regions_mask), weights

    def _split(self, regions):
        """Splits (B, M, K) among the heads: (B, M, H, K / H), in float32.

        Products of long vectors, regions with themselves, overflow in float16.
        """
        return ops.reshape(
            ops.cast(regions, self.softmax.compute_dtype),
            (
                -1,
                ops.shape(regions)[1],
                self.num_heads,
                regions.shape[-1] // self.num_heads,
            ),
        )

    def _pairs(self, regions, regions_mask):
        """Which regions see which, to broadcast with (B, H, M, M), or None."""
        pairs = None
        if regions_mask is not None:
            is_valid = ops.cast(regions_mask, "bool")
            pairs = is_valid[:, None, :, None] & is_valid[:, None, None, :]
        if self.exclude_self:
            place = ops.arange(ops.shape(regions)[1])
            is_other = (place[:, None] != place[None, :])[None, None]
            pairs = is_other if pairs is None else pairs & is_other
        return pairs

    def compute_mask(self, regions, previous_mask):
        return None

    def compute_output_shape(self, regions_shape):
        batch, num_regions, _ = regions_shape
        return regions_shape, (batch, self.num_heads, num_regions, num_regions)

    def compute_output_spec(self, regions, regions_mask=None):
        context, weights = self.compute_output_shape(regions.shape)
        return (
            KerasTensor(context, dtype=self.compute_dtype),
            KerasTensor(weights, dtype=self.softmax.compute_dtype),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "attention_dim": self.attention_dim,
            "num_heads": self.num_heads,
            "exclude_self": self.exclude_self,
        }
