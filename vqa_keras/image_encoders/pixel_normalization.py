import keras
from keras import ops


@keras.saving.register_keras_serializable(package="vqa_keras")
class PixelNormalization(keras.layers.Layer):
    """Brings pixels to the range that a pretrained network was trained on.

        normalized = pixels[RGB or BGR] * scale + offset

    Args:
        scale: float, or one for each channel of the result.
        offset: float, or one for each channel of the result.
        bgr: bool. Whether the channels are turned from RGB to BGR first.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        images: RGB images of values 0 to 255, `(B, H, W, 3)`.

    Returns:
        float, of the shape of `images`.

    Raises:
        ValueError: if `scale` or `offset` is neither one number nor three.
    """

    def __init__(self, scale=1.0, offset=0.0, bgr=False, **kwargs):
        super().__init__(**kwargs)
        self.scale = _numbers("scale", scale)
        self.offset = _numbers("offset", offset)
        self.bgr = bgr

    def call(self, images):
        images = ops.cast(images, self.compute_dtype)
        if self.bgr:
            images = ops.flip(images, axis=-1)
        scale = ops.convert_to_tensor(self.scale, self.compute_dtype)
        offset = ops.convert_to_tensor(self.offset, self.compute_dtype)
        return images * scale + offset

    def compute_output_shape(self, images_shape):
        return images_shape

    def get_config(self):
        return {
            **super().get_config(),
            "scale": self.scale,
            "offset": self.offset,
            "bgr": self.bgr,
        }


def _numbers(name, value):
    values = [float(v) for v in value] if hasattr(value, "__len__") else value
    if isinstance(values, list) and len(values) != 3:
        raise ValueError(
            f"`{name}` must be one number or one for each of 3 channels. "
            f"Received: {value}"
        )
    return values if isinstance(values, list) else float(values)
