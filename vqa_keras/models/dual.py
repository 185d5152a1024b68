import keras

from vqa_keras.layers import DualAttention
from vqa_keras.models.name_by_hop import name_by_hop
from vqa_keras.models.vqa_backbone import VQABackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class DualBackbone(VQABackbone):
    """Dual Attention Network (r-DAN): one memory queries words and regions.

        v_i      = W_I f_i + b_I
        memory_0 = (mean_n word_n) o tanh(P_0 (mean_i v_i) + b_0)
        t_j      = attention_words_j(memory_{j-1}, words)
        u_j      = attention_regions_j(memory_{j-1}, v)
        memory_j = memory_{j-1} + t_j o tanh(P_j u_j + b_j)
        fused    = memory_H

    Departures from the paper: its words are the sum of both directions of a
    bidirectional LSTM, where `QuestionEncoder` concatenates halves; its
    attention is over the features f_i themselves, which are projected to width
    D here for contextualizers; its head has no hidden layer.

    Args:
        attention_dim: int. Width K of the attentions' hidden layers. Defaults
            to 512.
        num_hops: int. Number of hops H of both sides. Defaults to 2.
        **kwargs: passed to `VQABackbone`, which documents the other arguments.

    Attention: `words_j` (B, N) and `regions_j` (B, M) of every hop j.

    Reference:
        [Nam et al., 2017](https://arxiv.org/abs/1611.00471).
    """

    def __init__(
        self,
        vocabulary_size,
        attention_dim=512,
        num_hops=2,
        dtype=None,
        **kwargs,
    ):
        self.attention_dim = attention_dim
        self.num_hops = num_hops
        self.dual_attention = DualAttention(
            attention_dim, num_hops=num_hops, dtype=dtype, name="dual_attention"
        )
        super().__init__(vocabulary_size, dtype=dtype, **kwargs)

    def fuse(self, encoded):
        memory, weights = self.dual_attention(
            encoded.words,
            encoded.regions,
            words_mask=encoded.words_mask,
            regions_mask=encoded.regions_mask,
        )
        return memory, name_by_hop(*weights, self.num_hops)
