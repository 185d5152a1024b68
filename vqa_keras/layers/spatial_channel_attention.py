import math

import keras
from keras import KerasTensor
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.masked_mean import masked_mean
from vqa_keras.layers.parametric_attention import ParametricAttention


@keras.saving.register_keras_serializable(package="vqa_keras")
class SpatialChannelAttention(keras.layers.Layer):
    """SCA-CNN: attention to the channels and to the places of a feature map.

    Both are the additive scores of `ParametricAttention`. To the one, every
    region is a vector of C channels; to the other, every channel is described
    by one number, its mean over the regions:

        channel(X):  u_c     = mean_i x_ic
                     beta_c  = softmax_c(w_c . tanh(W_u u_c + W_Qc v_Q + b_c))
        spatial(X):  alpha_i = softmax_i(w_s . tanh(W_I x_i + W_Qs v_Q + b_s))

        channel first:  beta = channel(X),    alpha = spatial(C beta X)
        spatial first:  alpha = spatial(X),   beta = channel(M alpha X)
        filtered_ic  =  M alpha_i C beta_c x_ic

    The map keeps its shape, so the next layers of a CNN can follow, and after
    them another attention. With the factors C (channels) and M (valid regions)
    uniform weights leave the map unchanged. The mean of `filtered` over the
    regions is the mean of the channel-weighted regions under `alpha`.

    Args:
        attention_dim: int. Width K of the spaces where the question meets the
            channels and the regions.
        channel_first: bool. Whether the channels are weighted first, and the
            places seen in those channels; or the other way round. Defaults to
            `True`.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        question: question embedding, `(B, D_Q)`.
        regions: a feature map, as a grid `(B, h, w, C)` or as regions
            `(B, M, C)`.
        regions_mask: optional bool or int, `(B, M)`, 0 at padding; M = h w for
            a grid. Defaults to the Keras mask attached to `regions`.

    Returns:
        filtered: the weighted map, of the shape of `regions`; zeros at padding.
        weights: `(channel_weights, region_weights)`, `(B, C)` and `(B, M)`,
            each summing to 1, the regions' 0 at padding. An image with no valid
            region gets zeros in all three. Softmax and weights are float32 also
            under mixed precision; in float16 a sharp attention over a large map
            can exceed the range, as it multiplies a value by up to M C.

    Raises:
        ValueError: if `attention_dim < 1`, `question` is not of rank 2 or
            `regions` not of rank 3 or 4.

    Departures from the paper: it attends with the state of a captioning LSTM
    where we have the question, and does not print the factors, which its
    released code has. The scores have no bias, which the softmax would cancel.
    That code adds the bias of its last spatial score inside the dot product;
    we follow the paper.

    Reference:
        [Chen et al., 2017](https://arxiv.org/abs/1611.05594).
    """

    def __init__(self, attention_dim, channel_first=True, **kwargs):
        super().__init__(**kwargs)
        check_size("attention_dim", attention_dim)
        self.attention_dim = attention_dim
        self.channel_first = channel_first
        self.channel, self.spatial = (
            ParametricAttention(
                attention_dim, dtype=self.dtype_policy, name=name
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
        regions = ops.reshape(regions, (shape[0], -1, shape[-1]))  # (B, M, C)
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
        return ops.reshape(regions, shape), (beta, alpha)

    def _weigh_channels(self, question, regions, mask):
        means = masked_mean(regions, mask)  # (B, C)
        _, beta = self.channel(question, ops.expand_dims(means, axis=-1))
        if mask is not None:
            has_regions = ops.any(ops.cast(mask, "bool"), axis=1, keepdims=True)
            beta = ops.where(has_regions, beta, 0.0)
        factors = ops.cast(regions.shape[-1] * beta, self.compute_dtype)
        return regions * ops.expand_dims(factors, axis=1), beta

    def _weigh_regions(self, question, regions, mask):
        _, alpha = self.spatial(question, regions, regions_mask=mask)  # (B, M)
        if mask is None:
            mask = ops.ones_like(alpha)
        count = ops.sum(ops.cast(mask, alpha.dtype), axis=1, keepdims=True)
        factors = ops.cast(count * alpha, self.compute_dtype)
        return regions * ops.expand_dims(factors, axis=-1), alpha

    def compute_output_shape(self, question_shape, regions_shape):
        batch, *sizes, channels = regions_shape
        num_regions = None if None in sizes else math.prod(sizes)
        return regions_shape, ((batch, channels), (batch, num_regions))

    def compute_output_spec(self, question, regions, regions_mask=None):
        filtered, (beta, alpha) = self.compute_output_shape(
            question.shape, regions.shape
        )
        dtype = self.spatial.softmax.compute_dtype
        return KerasTensor(filtered, dtype=self.compute_dtype), (
            KerasTensor(beta, dtype=dtype),
            KerasTensor(alpha, dtype=dtype),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "attention_dim": self.attention_dim,
            "channel_first": self.channel_first,
        }
