import keras

from vqa_keras.layers import ChannelAttention
from vqa_keras.layers import ParametricAttention
from vqa_keras.models.vqa_backbone import VQABackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class ChannelBackbone(VQABackbone):
    """Channel attention, then one hop of attention over the regions.

        v_i    = W_I f_i + b_I
        beta   = softmax_c(question_c mean_i v_ic)
        v'_i   = D beta v_i
        p      = softmax_i(w_h . tanh(W_V v'_i + W_Q question + b_Q))
        fused  = question + sum_i p_i v'_i

    The projection has the width of the question, so that a channel means the
    same on both sides. The parameters are those of `ParametricBackbone`.

    Departure from the article: it describes attention to channels and to
    regions; their order, and one hop of the second, are ours.

    Args:
        attention_dim: int. Width K of the attention's hidden layer. Defaults to
            512.
        **kwargs: passed to `VQABackbone`, which documents the other arguments.

    Attention: `channels_1` (B, D) and `regions_1` (B, M).

    References:
        [Chen et al., 2017](https://arxiv.org/abs/1611.05594).
        [Yang et al., 2016](https://arxiv.org/abs/1511.02274).
    """

    def __init__(
        self,
        vocabulary_size,
        regions_dim=512,
        embedding_dim=500,
        hidden_dim=1024,
        attention_dim=512,
        dtype=None,
        **kwargs,
    ):
        self.attention_dim = attention_dim
        self.channel_attention = ChannelAttention(
            dtype=dtype, name="channel_attention"
        )
        self.parametric_attention = ParametricAttention(
            attention_dim, dtype=dtype, name="parametric_attention"
        )
        sizes = (regions_dim, embedding_dim, hidden_dim)
        super().__init__(vocabulary_size, *sizes, dtype=dtype, **kwargs)

    def fuse(self, encoded):
        question, mask = encoded.question, encoded.regions_mask
        regions, channels = self.channel_attention(
            question, encoded.regions, regions_mask=mask
        )  # (B, M, D), (B, D)
        filtered, weights = self.parametric_attention(
            question, regions, regions_mask=mask
        )
        return question + filtered, {
            "channels_1": channels,
            "regions_1": weights,
        }
