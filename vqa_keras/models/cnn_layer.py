import keras

from vqa_keras.layers import ParametricAttention
from vqa_keras.models.pyramid_backbone import RESNET
from vqa_keras.models.pyramid_backbone import PyramidBackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class CNNLayerBackbone(PyramidBackbone):
    """CNN-layer attention, then one hop of attention over the regions.

        V_1, ..., V_L = the grids, pooled to the smallest, projected, normalized
        p             = layer_attention(question, V)        (B, L)
        v             = sum_l p_l V_l
        fused         = question + attention(question, v)

    `CNNLayerAttention` has the departures from the article.

    Args:
        attention_dim: int. Width K of the region attention's hidden layer.
            Defaults to 512.
        use_content: bool. Whether the layer attention depends on the grids too.
            Defaults to `True`, the form of the article.
        **kwargs: passed to `PyramidBackbone`, which documents the other
            arguments.

    Attention: `cnn_layers_1` (B, L) and `regions_1` (B, M).

    Example:
    ```python
    backbone = vqa_keras.models.CNNLayerBackbone(
        vocabulary_size=10, grid_shapes=[(4, 4, 16), (2, 2, 32)], hidden_dim=8
    )
    inputs = {
        "token_ids": keras.ops.array([[3, 8, 5], [4, 2, 0]]),
        "grid_1": keras.random.normal((2, 4, 4, 16)),
        "grid_2": keras.random.normal((2, 2, 2, 32)),
    }
    attention = backbone(inputs)["attention"]
    print(attention["cnn_layers_1"].shape)  # (2, 2)
    print(attention["regions_1"].shape)  # (2, 4)
    ```

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
