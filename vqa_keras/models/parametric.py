import keras

from vqa_keras.layers import ParametricAttention
from vqa_keras.models.vqa_backbone import VQABackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class ParametricBackbone(VQABackbone):
    """Parametric attention, one hop: scores regions with a small network.

        v_i   = W_I f_i + b_I
        p     = softmax_i(w_h . tanh(W_V v_i + W_Q question + b_Q))
        fused = question + sum_i p_i v_i

    With several glimpses, W_G [filtered_1; ...; filtered_G] + b_G takes the
    place of the sum over i.

    Departures from the paper, whose sizes these are: this is its first hop
    only; regions are projected without tanh, as in the article.

    Args:
        attention_dim: int. Width K of the attention's hidden layer. Defaults to
            512.
        num_glimpses: int. Number of glimpses G. Defaults to 1.
        **kwargs: passed to `VQABackbone`, which documents the other arguments.

    Attention: `regions_1` (B, M), with several glimpses (B, G, M).

    Reference:
        [Yang et al., 2016](https://arxiv.org/abs/1511.02274).
    """

    def __init__(
        self,
        vocabulary_size,
        regions_dim=512,
        embedding_dim=500,
        hidden_dim=1024,
        attention_dim=512,
        num_glimpses=1,
        dtype=None,
        **kwargs,
    ):
        self.attention_dim = attention_dim
        self.num_glimpses = num_glimpses
        self.parametric_attention = ParametricAttention(
            attention_dim,
            num_glimpses=num_glimpses,
            dtype=dtype,
            name="parametric_attention",
        )
        if num_glimpses > 1:
            self.glimpses_dense = keras.layers.Dense(
                hidden_dim, dtype=dtype, name="glimpses_dense"
            )
        sizes = (regions_dim, embedding_dim, hidden_dim)
        super().__init__(vocabulary_size, *sizes, dtype=dtype, **kwargs)

    def fuse(self, encoded):
        filtered, weights = self.parametric_attention(
            encoded.question,
            encoded.regions,
            regions_mask=encoded.regions_mask,
        )
        if self.num_glimpses > 1:
            filtered = self.glimpses_dense(filtered)  # (B, D)
        return encoded.question + filtered, {"regions_1": weights}
