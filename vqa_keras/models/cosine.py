import keras

from vqa_keras.layers import CosineAttention
from vqa_keras.models.vqa_backbone import VQABackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class CosineBackbone(VQABackbone):
    """Parameter-free attention: scores regions by dot product or cosine.

        v_i   = W_I f_i + b_I
        s_i   = v_i . question, or temperature * cosine(v_i, question)
        p     = softmax(s)
        fused = question + sum_i p_i v_i

    The learned W_I can map any direction of the features to that of a question.
    The sizes are those of `StackedBackbone`.

    Args:
        normalize: bool. Whether to score by the cosine instead of the dot
            product. Defaults to `False`.
        temperature: float, positive. Factor of the cosine; not used without
            `normalize`. Defaults to 10.
        **kwargs: passed to `VQABackbone`, which documents the other arguments.

    Attention: `regions_1` (B, M).

    Reference:
        [Luong et al., 2015](https://arxiv.org/abs/1508.04025), the dot score.
    """

    def __init__(
        self,
        vocabulary_size,
        regions_dim=512,
        embedding_dim=500,
        hidden_dim=1024,
        normalize=False,
        temperature=10.0,
        dtype=None,
        **kwargs,
    ):
        self.normalize = normalize
        self.temperature = temperature
        self.cosine_attention = CosineAttention(
            normalize, temperature, dtype=dtype, name="cosine_attention"
        )
        sizes = (regions_dim, embedding_dim, hidden_dim)
        super().__init__(vocabulary_size, *sizes, dtype=dtype, **kwargs)

    def fuse(self, encoded):
        filtered, weights = self.cosine_attention(
            encoded.question,
            encoded.regions,
            regions_mask=encoded.regions_mask,
        )
        return encoded.question + filtered, {"regions_1": weights}
