import keras
from keras import ops

from vqa_keras.layers import RegionNormalization
from vqa_keras.layers import SpatialChannelAttention
from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.masked_mean import masked_mean
from vqa_keras.models.vqa_backbone import VQABackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class SpatialChannelBackbone(VQABackbone):
    """SCA-CNN: attention over channels and regions between a CNN's layers.

        X_1       = relu(W_I f + b_I)
        X'_l      = SpatialChannelAttention_l(question, X_l)       l = 1 .. L
        X_{l+1}   = relu(X_l + W_l X'_l + b_l)                     l < L
        image     = unit(mean_i X'_L,i)
        fused     = question + W_F image

    As in the paper's ResNet, each attention but the last weights the map inside
    a residual stage, here a 1 x 1 convolution, which also applies to boxes with
    a mask.

    Departures from the paper: its stages are the last ones of the CNN, trained
    with it; these follow the features. Its LSTM takes the image through an
    input matrix; here W_F projects the image, whose length of 1 would be small
    beside the question. The sizes are those of its released code.
    `SpatialChannelAttention` has the other departures.

    Args:
        attention_dim: int. Width K of the attentions' hidden layers. Defaults
            to 512.
        num_layers: int. Number of attentions L. Defaults to 2.
        channel_first: bool. Whether channels are weighted before regions.
            Defaults to `True`.
        normalize_image: bool. Whether the mean of the weighted regions is
            scaled to unit length. Defaults to `True`.
        **kwargs: passed to `VQABackbone`, which documents the other arguments.

    Attention: `channels_l` (B, D) and `regions_l` (B, M) of every layer l.
    For an image with no valid region, `fused` is the question itself.

    Reference:
        [Chen et al., 2017](https://arxiv.org/abs/1611.05594).
    """

    region_activation = "relu"

    def __init__(
        self,
        vocabulary_size,
        regions_dim=2048,
        embedding_dim=100,
        hidden_dim=1000,
        attention_dim=512,
        num_layers=2,
        channel_first=True,
        normalize_image=True,
        dtype=None,
        **kwargs,
    ):
        check_size("num_layers", num_layers)
        self.attention_dim = attention_dim
        self.num_layers = num_layers
        self.channel_first = channel_first
        self.normalize_image = normalize_image
        self.attentions = [
            SpatialChannelAttention(
                attention_dim,
                channel_first=channel_first,
                dtype=dtype,
                name=f"spatial_channel_attention_{layer}",
            )
            for layer in range(1, num_layers + 1)
        ]
        self.residual_denses = [
            keras.layers.Dense(
                hidden_dim, dtype=dtype, name=f"residual_dense_{layer}"
            )
            for layer in range(1, num_layers)
        ]
        self.image_normalization = RegionNormalization(
            dtype=dtype, name="image_normalization"
        )
        self.image_dense = keras.layers.Dense(
            hidden_dim, use_bias=False, dtype=dtype, name="image_dense"
        )
        sizes = (regions_dim, embedding_dim, hidden_dim)
        super().__init__(vocabulary_size, *sizes, dtype=dtype, **kwargs)

    def fuse(self, encoded):
        question, regions = encoded.question, encoded.regions
        mask, attention = encoded.regions_mask, {}
        for layer, attention_layer in enumerate(self.attentions, 1):
            filtered, weights = attention_layer(
                question, regions, regions_mask=mask
            )
            attention[f"channels_{layer}"] = weights[0]
            attention[f"regions_{layer}"] = weights[1]
            if layer < self.num_layers:
                stage = self.residual_denses[layer - 1]
                regions = ops.relu(regions + stage(filtered))  # (B, M, D)
        image = masked_mean(filtered, mask)
        if self.normalize_image:
            image = self.image_normalization(image)
        return question + self.image_dense(image), attention
