import keras
from keras import ops


@keras.saving.register_keras_serializable(package="vqa_keras")
class RegionNormalization(keras.layers.Layer):
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
        regions: region features, `(..., C)`. An attached Keras mask is passed
            on; padding of zeros stays zeros.

    Returns:
        regions: of the same shape.

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

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, regions):
        features = ops.cast(regions, "float32")
        squares = ops.sum(ops.square(features), axis=-1, keepdims=True)
        unit = features * ops.rsqrt(ops.maximum(squares, 1e-12))
        return ops.cast(unit, self.compute_dtype)

    def compute_output_shape(self, regions_shape):
        return regions_shape
