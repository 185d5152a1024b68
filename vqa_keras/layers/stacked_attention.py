import keras
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.attention_layer import AttentionLayer
from vqa_keras.layers.parametric_attention import ParametricAttention
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class StackedAttention(AttentionLayer):
    """Multi-hop attention: each hop adds its filtered regions to the query.

        query_0               = question
        filtered_j, weights_j = ParametricAttention_j(query_{j-1}, regions)
        query_j               = query_{j-1} + filtered_j

    The regions are the same in all hops. With one hop, `query - question` and
    the weights are those of `ParametricAttention`.

    Args:
        attention_dim: int. Width K of each hop's hidden layer.
        num_hops: int. Number of hops H. Defaults to 2.
        share_weights: bool. Whether all hops use the one sublayer `hop`. If
            not, hops have weights of their own, in the sublayers `hop_1`,
            `hop_2`, ... Defaults to `False`.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        question: question embedding, `(B, D)`.
        regions: region embeddings of the same width, `(B, M, D)`.
        regions_mask: optional bool or int, `(B, M)`, 0 at padding. Defaults to
            the Keras mask attached to `regions`.

    Returns:
        query: `(B, D)`, query_H: the question plus the filtered regions of
            every hop. An image with no valid region gives the question itself.
        weights: float32, `(B, H, M)`, the weights of hop j at `[:, j - 1]`.
            Each hop's are 0 at padding and sum to 1 over the other regions
            (all 0 where no region is valid).

    Raises:
        ValueError: if `attention_dim < 1` or `num_hops < 1`, question and
            regions are not of rank 2 and 3 or differ in width, or the mask has
            another shape.

    Departure from the paper: none in the formula; in the released code the
    scores are bounded (see `ParametricAttention`).

    Example:
    ```python
    question = keras.random.normal((2, 64))
    regions = keras.random.normal((2, 49, 64))
    layer = vqa_keras.layers.StackedAttention(attention_dim=32, num_hops=2)
    query, weights = layer(question, regions)
    print(query.shape, weights.shape)  # (2, 64) (2, 2, 49)
    ```

    Reference:
        [Yang et al., 2016](https://arxiv.org/abs/1511.02274).
    """

    def __init__(
        self, attention_dim, num_hops=2, share_weights=False, **kwargs
    ):
        super().__init__(**kwargs)
        check_size("attention_dim", attention_dim)
        check_size("num_hops", num_hops)
        self.attention_dim = attention_dim
        self.num_hops = num_hops
        self.share_weights = share_weights
        names = [f"hop_{j}" for j in range(1, num_hops + 1)]
        self.hops = [
            ParametricAttention(
                attention_dim, dtype=self.dtype_policy, name=name
            )
            for name in (["hop"] if share_weights else names)
        ]

    def build(self, question_shape, regions_shape):
        self.check_rank(
            "regions", regions_shape, "batch", "regions", "features"
        )
        if question_shape[-1] != regions_shape[-1]:
            raise ValueError(
                "`question` and `regions` must have the same width, since "
                "each hop adds its filtered regions to the query. Received: "
                f"question.shape={question_shape}, "
                f"regions.shape={regions_shape}"
            )
        for hop in self.hops:
            hop.build(question_shape, regions_shape)

    def call(self, question, regions, regions_mask=None):
        # Once, not in every hop: zeroing costs a pass over the regions.
        regions = zero_padding(regions, regions_mask, "regions_mask")
        hops = self.hops * self.num_hops if self.share_weights else self.hops
        query = question
        weights_by_hop = []
        for hop in hops:
            filtered, weights = hop.attend(query, regions, regions_mask)
            query = query + filtered  # (B, D)
            weights_by_hop.append(weights)
        return query, ops.stack(weights_by_hop, axis=1)  # (B, H, M)

    def compute_output_shape(self, question_shape, regions_shape):
        batch, num_regions, _ = regions_shape
        return question_shape, (batch, self.num_hops, num_regions)

    def get_config(self):
        return {
            **super().get_config(),
            "attention_dim": self.attention_dim,
            "num_hops": self.num_hops,
            "share_weights": self.share_weights,
        }
