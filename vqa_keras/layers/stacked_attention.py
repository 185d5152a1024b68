import keras
from keras import KerasTensor
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.parametric_attention import ParametricAttention


@keras.saving.register_keras_serializable(package="vqa_keras")
class StackedAttention(keras.layers.Layer):
    """Several attention hops, each asking with what the last one found.

        query_0               = question
        filtered_j, weights_j = ParametricAttention_j(query_{j-1}, regions)
        query_j               = query_{j-1} + filtered_j

    The regions are the same in all hops. With one hop, `query - question` and
    the weights are those of `ParametricAttention`. With several glimpses a hop,
    `filtered_j` is their mean, so that the query keeps its width.

    Args:
        attention_dim: int. Width K of the space where query and region meet.
        num_hops: int. Number of hops H. Defaults to 2.
        share_weights: bool. Whether all hops use the one sublayer `hop`. If
            not, hops have weights of their own, in the sublayers `hop_1`,
            `hop_2`, ... Defaults to `False`.
        num_glimpses: int. Number of glimpses G of each hop. Defaults to 1.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        question: question embedding, `(B, D)`.
        regions: region embeddings of the same width, `(B, M, D)`.
        regions_mask: optional bool or int, `(B, M)`, 0 at padding. Defaults to
            the Keras mask attached to `regions`.

    Returns:
        query: `(B, D)`, the question plus what every hop filtered out of the
            regions. An image with no valid region gives the question itself.
        weights: `(B, H, M)`, the weights of hop j at `[:, j - 1]`;
            `(B, H, G, M)` with several glimpses. Each hop's are 0 at padding
            and sum to 1 over the other regions (all 0 where no region is
            valid). float32 also under mixed precision.

    Raises:
        ValueError: if `attention_dim`, `num_hops` or `num_glimpses` is below 1,
            or if question and regions differ in width.

    Departure from the paper: none in the formula with one glimpse, more are not
    in it; in the released code the scores are bounded (see
    `ParametricAttention`).

    Reference:
        [Yang et al., 2016](https://arxiv.org/abs/1511.02274).
    """

    def __init__(
        self,
        attention_dim,
        num_hops=2,
        share_weights=False,
        num_glimpses=1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_size("attention_dim", attention_dim)
        check_size("num_hops", num_hops)
        self.attention_dim = attention_dim
        self.num_hops = num_hops
        self.share_weights = share_weights
        self.num_glimpses = num_glimpses
        names = [f"hop_{j}" for j in range(1, num_hops + 1)]
        self.hops = [
            ParametricAttention(
                attention_dim,
                num_glimpses=num_glimpses,
                dtype=self.dtype_policy,
                name=name,
            )
            for name in (["hop"] if share_weights else names)
        ]

    def build(self, question_shape, regions_shape):
        if question_shape[-1] != regions_shape[-1]:
            raise ValueError(
                "`question` and `regions` must have the same width, since what "
                "a hop finds is added to the question. Received: "
                f"question.shape={question_shape}, "
                f"regions.shape={regions_shape}"
            )
        for hop in self.hops:
            hop.build(question_shape, regions_shape)

    def call(self, question, regions, regions_mask=None):
        hops = self.hops * self.num_hops if self.share_weights else self.hops
        query = question  # (B, D)
        weights_of_hops = []
        for hop in hops:
            filtered, weights = hop(query, regions, regions_mask=regions_mask)
            if self.num_glimpses > 1:
                glimpses = (-1, self.num_glimpses, query.shape[-1])
                filtered = ops.mean(ops.reshape(filtered, glimpses), axis=1)
            query = query + filtered
            weights_of_hops.append(weights)
        return query, ops.stack(weights_of_hops, axis=1)

    def compute_output_shape(self, question_shape, regions_shape):
        batch, num_regions, _ = regions_shape
        glimpses = () if self.num_glimpses == 1 else (self.num_glimpses,)
        return question_shape, (batch, self.num_hops, *glimpses, num_regions)

    def compute_output_spec(self, question, regions, regions_mask=None):
        query, weights = self.compute_output_shape(
            question.shape, regions.shape
        )
        return (
            KerasTensor(query, dtype=self.compute_dtype),
            KerasTensor(weights, dtype=self.hops[0].softmax.compute_dtype),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "attention_dim": self.attention_dim,
            "num_hops": self.num_hops,
            "share_weights": self.share_weights,
            "num_glimpses": self.num_glimpses,
        }
