import keras
from keras import KerasTensor
from keras import ops

from vqa_keras.layers.masked_mean import masked_mean


@keras.saving.register_keras_serializable(package="vqa_keras")
class ChannelAttention(keras.layers.Layer):
    """Attention to channels in place of regions, without weights.

    Question and regions meet channel by channel, as in the dot product of
    `CosineAttention` before its sum. The mean over the regions is the score of
    a channel, and the weights rescale that channel in every region:

        e_c       = mean_i (v_Q,c v_ic) = v_Q,c mean_i v_ic
        beta_c    = softmax_c(e_c)
        regions'  = v_ic D beta_c

    With the factor D, uniform weights leave the regions unchanged; without it
    they would shrink by the number of channels.

    Args:
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        question: question embedding, `(B, D)`.
        regions: region embeddings of the same width, `(B, M, D)`.
        regions_mask: optional bool or int, `(B, M)`, 0 at padding. Defaults to
            the Keras mask attached to `regions`.

    Returns:
        regions: `(B, M, D)`, the rescaled regions; zeros at padding.
        weights: `(B, D)`, one weight a channel, summing to 1. An image with no
            valid region gets all-zero weights and regions. Scores, softmax and
            weights are float32 also under mixed precision.

    Raises:
        ValueError: if `question` is not of rank 2, `regions` not of rank 3, or
            they differ in width.

    Departure from the article: it pools without saying how; the mean keeps
    the scores independent of the number of regions. The factor D is that of
    the released code of Chen et al., whose own form, with weights, is
    `SpatialChannelAttention`.

    Reference:
        [Chen et al., 2017](https://arxiv.org/abs/1611.05594).
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.softmax = keras.layers.Softmax(
            dtype=keras.backend.result_type(self.compute_dtype, "float32"),
            name="softmax",
        )

    def build(self, question_shape, regions_shape):
        if len(question_shape) != 2:
            raise ValueError(
                "`question` must have shape (batch, features). "
                f"Received: question.shape={question_shape}"
            )
        if len(regions_shape) != 3:
            raise ValueError(
                "`regions` must have shape (batch, regions, features); flatten "
                f"a CNN grid first. Received: regions.shape={regions_shape}"
            )
        if question_shape[-1] != regions_shape[-1]:
            raise ValueError(
                "`question` and `regions` must have the same width, the "
                "channels they are compared in. Received: "
                f"question.shape={question_shape}, "
                f"regions.shape={regions_shape}"
            )

    def call(self, question, regions, regions_mask=None):
        mean = masked_mean(regions, regions_mask)  # (B, D)
        weights = self.softmax(ops.cast(question, mean.dtype) * mean)
        factors = regions.shape[-1] * weights
        factors = ops.expand_dims(ops.cast(factors, self.compute_dtype), axis=1)
        if regions_mask is None:
            return regions * factors, weights

        is_region = ops.cast(regions_mask, "bool")  # (B, M)
        has_regions = ops.any(is_region, axis=1, keepdims=True)
        return (
            ops.where(ops.expand_dims(is_region, -1), regions * factors, 0.0),
            ops.where(has_regions, weights, 0.0),
        )

    def compute_output_shape(self, question_shape, regions_shape):
        return regions_shape, (regions_shape[0], regions_shape[-1])

    def compute_output_spec(self, question, regions, regions_mask=None):
        attended, weights = self.compute_output_shape(
            question.shape, regions.shape
        )
        return (
            KerasTensor(attended, dtype=self.compute_dtype),
            KerasTensor(weights, dtype=self.softmax.compute_dtype),
        )
