import keras
from keras import ops

from vqa_keras.layers.attention_layer import AttentionLayer
from vqa_keras.layers.cast_finite import cast_finite
from vqa_keras.layers.masked_mean import masked_mean
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class ChannelAttention(AttentionLayer):
    """Parameter-free channel attention: rescales channels by the question.

    The score of a channel is the mean over the regions of its product with the
    question: the terms of the dot product in `CosineAttention`, averaged over
    the regions instead of summed over the channels. The weights rescale the
    channel in every region:

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
        weights: float32, `(B, D)`, one weight per channel, summing to 1. An
            image with no valid region gets all-zero weights and regions.
            Scores are float32 also under mixed precision.

    Raises:
        ValueError: if `question` is not of rank 2, `regions` not of rank 3,
            they differ in width, or the mask has another shape.

    Departure from the article: it pools without saying how; the mean keeps
    the scores independent of the number of regions. The factor D is that of
    the released code of Chen et al., whose own form, with parameters, is
    `SpatialChannelAttention`.

    Example:
    ```python
    question = keras.random.normal((2, 64))
    regions = keras.random.normal((2, 49, 64))
    layer = vqa_keras.layers.ChannelAttention()
    regions, weights = layer(question, regions)
    print(regions.shape, weights.shape)  # (2, 49, 64) (2, 64)
    ```

    Reference:
        [Chen et al., 2017](https://arxiv.org/abs/1611.05594).
    """

    keeps = ("regions",)

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def build(self, question_shape, regions_shape):
        self.check_rank("question", question_shape, "batch", "features")
        self.check_rank(
            "regions", regions_shape, "batch", "regions", "features"
        )
        if question_shape[-1] != regions_shape[-1]:
            raise ValueError(
                "`question` and `regions` must have the same width, since "
                "their channels are multiplied. Received: "
                f"question.shape={question_shape}, "
                f"regions.shape={regions_shape}"
            )

    def call(self, question, regions, regions_mask=None):
        regions = zero_padding(regions, regions_mask, "regions_mask")
        mean = masked_mean(regions, regions_mask)  # (B, D)
        scores = ops.cast(question, mean.dtype) * mean
        has_regions = None
        if regions_mask is not None:
            has_regions = ops.any(regions_mask, axis=1, keepdims=True)  # (B, 1)
        weights = self.softmax(scores, has_regions)  # (B, D)
        # In float32: the factor, up to D, exceeds the range of float16.
        regions = ops.cast(regions, weights.dtype)
        regions = regions * (regions.shape[-1] * weights)[:, None]
        return cast_finite(regions, self.compute_dtype), weights

    def compute_output_shape(self, question_shape, regions_shape):
        return regions_shape, (regions_shape[0], regions_shape[-1])
