import keras

from vqa_keras.layers import IndependentCoAttention
from vqa_keras.models.name_by_hop import name_by_hop
from vqa_keras.models.vqa_backbone import VQABackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class IndependentBackbone(VQABackbone):
    """Co-attention in two streams: each side queries the other.

        v_i        = W_I f_i + b_I
        question_0 = question
        image_0    = mean_i v_i
        question_j = question_{j-1} + attention_words_j(image_{j-1}, words)
        image_j    = image_{j-1} + attention_regions_j(question_{j-1}, v)
        fused      = question_H + image_H

    The sizes are those of Yang et al.; `IndependentCoAttention` has the
    departures.

    Args:
        attention_dim: int. Width K of the attentions' hidden layers. Defaults
            to 512.
        num_hops: int. Number of hops H of both sides. Defaults to 1.
        **kwargs: passed to `VQABackbone`, which documents the other arguments.

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
        return question + image, name_by_hop(*weights, self.num_hops)
