import keras

from vqa_keras.layers import IndependentCoAttention
from vqa_keras.models.by_hop import by_hop
from vqa_keras.models.vqa_backbone import VQABackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class IndependentBackbone(VQABackbone):
    """Co-attention of two streams, each conditioned on the other's state.

        v_i        = W_I f_i + b_I
        question_0 = question
        image_0    = mean_i v_i
        question_j = question_{j-1} + attention_words_j(image_{j-1}, words)
        image_j    = image_{j-1} + attention_regions_j(question_{j-1}, v)
        fused      = question_H + image_H

    No paper has just this model. It is the article's variant of co-attention,
    with the hop and the sizes of Yang et al.

    Args:
        attention_dim: int, width K of the attentions' hidden layers.
        num_hops: int, number of hops H of both sides.

    Attention: `words_j` (B, N) and `regions_j` (B, M) of every hop j.

    Reference:
        [Yang et al., 2016](https://arxiv.org/abs/1511.02274).
    """

    def __init__(
        self,
        vocabulary_size,
        regions_dim=2048,
        embedding_dim=500,
        hidden_dim=1024,
        attention_dim=512,
        num_hops=1,
        dtype=None,
        **kwargs,
    ):
        self.attention_dim = attention_dim
        self.num_hops = num_hops
        self.independent_co_attention = IndependentCoAttention(
            attention_dim,
            num_hops=num_hops,
            dtype=dtype,
            name="independent_co_attention",
        )
        sizes = (regions_dim, embedding_dim, hidden_dim)
        super().__init__(vocabulary_size, *sizes, dtype=dtype, **kwargs)

    def fuse(self, encoded):
        (question, image), weights = self.independent_co_attention(
            encoded.question,
            encoded.words,
            encoded.regions,
            words_mask=encoded.words_mask,
            regions_mask=encoded.regions_mask,
        )
        return question + image, by_hop(*weights, self.num_hops)
