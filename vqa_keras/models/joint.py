import keras

from vqa_keras.layers import JointCoAttention
from vqa_keras.models.vqa_backbone import VQABackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class JointBackbone(VQABackbone):
    """Parallel co-attention through one affinity of all words and all regions.

        C                  = tanh(words W_b regions^T)
        p_words, p_regions = softmax of scores from C
        fused              = sum_n p_n words_n + sum_m p_m regions_m

    `JointCoAttention` has the formulas from C to the weights. The paper has
    three of them, one for each level of the question: `HierarchicalBackbone`.

    Args:
        attention_dim: int or `None`. Width K of the attention's hidden layers,
            or `None` for the article's form without them, in which the score of
            a word is its best match among the regions and the reverse. Defaults
            to 512.
        temperature: float, positive. Factor of the scores without hidden
            layers. Defaults to 1.
        **kwargs: passed to `VQABackbone`, which documents the other arguments.

    Attention: `regions_1` (B, M), `words_1` (B, N), `affinity_1` (B, N, M).

    Reference:
        [Lu et al., 2016](https://arxiv.org/abs/1606.00061).
    """

    def __init__(
        self,
        vocabulary_size,
        attention_dim=512,
        temperature=1.0,
        dtype=None,
        **kwargs,
    ):
        self.attention_dim = attention_dim
        self.temperature = temperature
        self.joint_co_attention = JointCoAttention(
            attention_dim, temperature, dtype=dtype, name="joint_co_attention"
        )
        super().__init__(vocabulary_size, dtype=dtype, **kwargs)

    def fuse(self, encoded):
        (words, regions), weights = self.joint_co_attention(
            encoded.words,
            encoded.regions,
            words_mask=encoded.words_mask,
            regions_mask=encoded.regions_mask,
        )
        words_weights, regions_weights, affinity = weights
        return words + regions, {
            "regions_1": regions_weights,
            "words_1": words_weights,
            "affinity_1": affinity,
        }
