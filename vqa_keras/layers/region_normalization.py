import keras
from keras import ops

from vqa_keras.layers.at_least_float32 import at_least_float32
from vqa_keras.layers.masked_layer import MaskedLayer
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class RegionNormalization(MaskedLayer):
    """Scales the features of each region to unit length.

        v_i = f_i / |f_i|

    CNN features differ in length from cell to cell: a long vector dominates the
    weighted mean even at a small weight, and a heat map of the weights need not
    show where the evidence is.

    The squares are summed in float32: they overflow in float16. A region of
    zeros stays zeros with a finite gradient, where
    `keras.layers.UnitNormalization` gives NaN.

    Args:
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        regions: region features, `(..., C)`.
        regions_mask: optional bool or int, `(...)`, 0 at padding. Defaults to
            the Keras mask attached to `regions`.

    Returns:
        regions: of the same shape, zeros at padding.

    Example:
    ```python
    regions = 5 * keras.random.normal((2, 49, 512))
    unit = vqa_keras.layers.RegionNormalization()(regions)
    lengths = keras.ops.norm(unit, axis=-1)
    print(bool(keras.ops.all(abs(lengths - 1) < 1e-3)))  # True
    ```

    Reference:
        [Nguyen and Okatani, 2018](https://arxiv.org/abs/1804.00775).
    """

    keeps = ("regions",)

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def call(self, regions, regions_mask=None):
        regions = zero_padding(regions, regions_mask, "regions_mask")
        dtype = at_least_float32(self.compute_dtype)
        features = ops.cast(regions, dtype)
        squares = ops.sum(ops.square(features), axis=-1, keepdims=True)
        unit = features * ops.rsqrt(ops.maximum(squares, 1e-12))
        return ops.cast(unit, self.compute_dtype)

    def compute_output_shape(self, regions_shape):
        return regions_shape
