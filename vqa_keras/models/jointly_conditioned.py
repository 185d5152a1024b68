import keras

from vqa_keras.layers import JointlyConditionedCoAttention
from vqa_keras.models.name_by_hop import name_by_hop
from vqa_keras.models.vqa_backbone import VQABackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class JointlyConditionedBackbone(VQABackbone):
    """Co-attention in two streams with one query, the sum of their states.

        v_i         = W_I f_i + b_I
        question_0  = question
        image_0     = mean_i v_i
        condition_j = question_{j-1} + image_{j-1}
        question_j  = question_{j-1} + attention_words_j(condition_j, words)
        image_j     = image_{j-1} + attention_regions_j(condition_j, v)
        fused       = question_H + image_H

    With `use_product` the condition is a memory, which is `fused` in the end.
    It starts with the product of question and image_0; each hop adds the
    product of both filtered vectors.

    The sizes are those of Yang et al., 2016; `JointlyConditionedCoAttention`
    has the departures.

    Args:
        attention_dim: int. Width K of the attentions' hidden layers. Defaults
            to 512.
        num_hops: int. Number of hops H of both sides. Defaults to 1.
        use_product: bool. Whether one memory, updated by the product, takes
            the place of the two states. Defaults to `False`.
        **kwargs: passed to `VQABackbone`, which documents the other arguments.

    Attention: `words_j` (B, N) and `regions_j` (B, M) of every hop j.

    Reference:
        [Nam et al., 2017](https://arxiv.org/abs/1611.00471).
    """

    def __init__(
        self,
        vocabulary_size,
        regions_dim=2048,
        embedding_dim=500,
        hidden_dim=1024,
        attention_dim=512,
        num_hops=1,
        use_product=False,
        dtype=None,
        **kwargs,
    ):
        self.attention_dim = attention_dim
        self.num_hops = num_hops
        self.use_product = use_product
        self.jointly_conditioned_co_attention = JointlyConditionedCoAttention(
            attention_dim,
            num_hops=num_hops,
            use_product=use_product,
            dtype=dtype,
            name="jointly_conditioned_co_attention",
        )
        sizes = (regions_dim, embedding_dim, hidden_dim)
        super().__init__(vocabulary_size, *sizes, dtype=dtype, **kwargs)

    def fuse(self, encoded):
        (question, image), weights = self.jointly_conditioned_co_attention(
            encoded.question,
            encoded.words,
            encoded.regions,
            words_mask=encoded.words_mask,
            regions_mask=encoded.regions_mask,
        )
        fused = question if self.use_product else question + image  # (B, D)
        return fused, name_by_hop(*weights, self.num_hops)
