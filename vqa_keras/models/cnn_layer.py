import keras

from vqa_keras.layers import ParametricAttention
from vqa_keras.models.pyramid_backbone import RESNET
from vqa_keras.models.pyramid_backbone import PyramidBackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class CNNLayerBackbone(PyramidBackbone):
    """Attention over the layers of a CNN, then over their regions.

        V_1, ..., V_L = the grids, pooled to the smallest, projected, normalized
        p             = layer_attention(question, V)        (B, L)
        v             = sum_l p_l V_l
        fused         = question + attention(question, v)

    `CNNLayerAttention` has the departures from the article.

    Args:
        attention_dim: int, width K of the region attention's hidden layer.

    Attention: `cnn_layers_1` (B, L) and `regions_1` (B, M).

    Reference:
        [Nguyen and Okatani, 2018](https://arxiv.org/abs/1804.00775).
    """

    def __init__(
        self,
        vocabulary_size,
        grid_shapes=RESNET,
        embedding_dim=500,
        hidden_dim=1024,
        attention_dim=512,
        use_content=True,
        dtype=None,
        **kwargs,
    ):
        self.attention_dim = attention_dim
        self.parametric_attention = ParametricAttention(
            attention_dim, dtype=dtype, name="parametric_attention"
        )
        super().__init__(
            vocabulary_size,
            grid_shapes,
            embedding_dim,
            hidden_dim,
            use_content,
            dtype=dtype,
            **kwargs,
        )

    def fuse(self, encoded):
        filtered, weights = self.parametric_attention(
            encoded.question, encoded.regions
        )
        return encoded.question + filtered, {"regions_1": weights}
