import math

import keras
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.attention_layer import AttentionLayer
from vqa_keras.layers.cast_finite import cast_finite
from vqa_keras.layers.check_mask import check_mask
from vqa_keras.layers.masked_mean import masked_mean
from vqa_keras.layers.parametric_attention import ParametricAttention
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class SpatialChannelAttention(AttentionLayer):
    """Attention over the channels and the regions of a feature map (SCA-CNN).

    Both score as `ParametricAttention` does: the spatial attention scores each
    region by its C channels, the channel attention each channel by its mean
    over the regions.

        channel(X):  u_c     = mean_i x_ic
                     beta_c  = softmax_c(w_c . tanh(W_u u_c + W_Qc v_Q + b_c))
        spatial(X):  alpha_i = softmax_i(w_s . tanh(W_I x_i + W_Qs v_Q + b_s))

        channel first:  beta = channel(X),    alpha = spatial(C beta X)
        spatial first:  alpha = spatial(X),   beta = channel(M alpha X)
        filtered_ic  =  M alpha_i C beta_c x_ic

    The map keeps its shape, so further CNN layers can follow, and after them
    another attention. With the factors C (channels) and M (valid regions)
    uniform weights leave the map unchanged. The mean of `filtered` over the
    regions is the mean of the channel-weighted regions under `alpha`.

    Args:
        attention_dim: int. Width K of both hidden layers.
        channel_first: bool. Whether the channels are weighted before the
            regions. Defaults to `True`.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        question: question embedding, `(B, D_Q)`.
        regions: a feature map, as a grid `(B, h, w, C)` or as regions
            `(B, M, C)`.
        regions_mask: optional bool or int, `(B, M)`, 0 at padding; for a grid
            `(B, h w)` or `(B, h, w)`. Defaults to the Keras mask attached to
            `regions`.

    Returns:
        filtered: the weighted map, of the shape of `regions`; zeros at padding.
        weights: float32, `(channel_weights, region_weights)`, `(B, C)` and
            `(B, M)`, each summing to 1, the regions' 0 at padding. An image
            with no valid region gets zeros in all three outputs. A value,
            multiplied by up to M C, may exceed the range of float16: it
            becomes the largest number.

    Raises:
        ValueError: if `attention_dim < 1`, `question` is not of rank 2,
            `regions` not of rank 3 or 4, or the mask has another shape.

    Departures from the paper: the question replaces the state of its
    captioning LSTM, the factors are those of its released code only, and the
    scores have no bias, which the softmax would cancel. That code adds the bias
    of its last spatial score inside the dot product; this is the paper's form.

    Example:
    ```python
    question = keras.random.normal((2, 64))
    grid = keras.random.normal((2, 7, 7, 512))
    layer = vqa_keras.layers.SpatialChannelAttention(attention_dim=32)
    filtered, (channel_weights, region_weights) = layer(question, grid)
    print(filtered.shape)  # (2, 7, 7, 512)
    print(channel_weights.shape, region_weights.shape)  # (2, 512) (2, 49)
    ```

    Reference:
        [Chen et al., 2017](https://arxiv.org/abs/1611.05594).
    """

    keeps = ("regions",)

    def __init__(self, attention_dim, channel_first=True, **kwargs):
        super().__init__(**kwargs)
        check_size("attention_dim", attention_dim)
        self.attention_dim = attention_dim
        self.channel_first = channel_first
        # In float32: the factors, up to M C, exceed the range of float16.
        self.channel, self.spatial = (
            ParametricAttention(
                attention_dim, dtype=self.weights_dtype, name=name
            )
            for name in ("channel", "spatial")
        )

    def build(self, question_shape, regions_shape):
        if len(regions_shape) not in (3, 4):
            raise ValueError(
                "`regions` must have shape (batch, regions, channels) or "
                "(batch, height, width, channels). "
                f"Received: regions.shape={regions_shape}"
            )
        batch, channels = regions_shape[0], regions_shape[-1]
        self.channel.build(question_shape, (batch, channels, 1))
        self.spatial.build(question_shape, (batch, None, channels))

    def call(self, question, regions, regions_mask=None):
        shape = ops.shape(regions)
        if len(shape) == 4:
            if regions_mask is not None and len(regions_mask.shape) == 3:
                check_mask("regions_mask", regions_mask, regions)
                regions_mask = ops.reshape(
                    regions_mask, (shape[0], shape[1] * shape[2])
                )
            regions = ops.reshape(
                regions, (shape[0], shape[1] * shape[2], shape[3])
            )
        regions = zero_padding(regions, regions_mask, "regions_mask")
        regions = ops.cast(regions, self.weights_dtype)  # (B, M, C)
        if self.channel_first:
            regions, beta = self._weigh_channels(
                question, regions, regions_mask
            )
            regions, alpha = self._weigh_regions(
                question, regions, regions_mask
            )
        else:
            regions, alpha = self._weigh_regions(
                question, regions, regions_mask
            )
            regions, beta = self._weigh_channels(
                question, regions, regions_mask
            )
        regions = cast_finite(ops.reshape(regions, shape), self.compute_dtype)
        return regions, (beta, alpha)

    def _weigh_channels(self, question, regions, mask):
        means = masked_mean(regions, mask)  # (B, C)
        has_regions = None
        if mask is not None:
            has_regions = ops.any(mask, axis=1, keepdims=True)  # (B, 1)
        _, beta = self.channel.attend(question, means[..., None], has_regions)
        return regions * (regions.shape[-1] * beta)[:, None], beta

    def _weigh_regions(self, question, regions, mask):
        _, alpha = self.spatial.attend(question, regions, mask)  # (B, M)
        mask = ops.ones_like(alpha) if mask is None else mask
        valid = ops.cast(ops.cast(mask, "bool"), alpha.dtype)
        count = ops.sum(valid, axis=1, keepdims=True)  # (B, 1)
        return regions * (count * alpha)[..., None], alpha

    def compute_output_shape(self, question_shape, regions_shape):
        batch, *sizes, channels = regions_shape
        num_regions = None if None in sizes else math.prod(sizes)
        return regions_shape, ((batch, channels), (batch, num_regions))

    def get_config(self):
        return {
            **super().get_config(),
            "attention_dim": self.attention_dim,
            "channel_first": self.channel_first,
        }
