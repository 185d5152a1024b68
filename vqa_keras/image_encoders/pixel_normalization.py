import keras
from keras import ops


@keras.saving.register_keras_serializable(package="vqa_keras")
class PixelNormalization(keras.layers.Layer):
    """Normalizes pixels as in the training of a pretrained network.

        normalized = pixels[RGB or BGR] * scale + offset

    Args:
        scale: float, or list of 3 floats, one per channel of the output.
            Defaults to 1.
        offset: float, or list of 3 floats, one per channel of the output.
            Defaults to 0.
        bgr: bool. Whether the channels are swapped from RGB to BGR first.
            Defaults to `False`.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        images: RGB images of values 0 to 255, `(B, H, W, 3)`.

    Returns:
        float, the shape of `images`.

    Raises:
        ValueError: if `scale` or `offset` is neither one number nor three.

    Example:
    ```python
    layer = vqa_keras.image_encoders.PixelNormalization(1 / 127.5, -1.0)
    layer(np.full((1, 2, 2, 3), 255))  # ones
    ```
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
            f"`{name}` must be one number or 3, one per channel. "
            f"Received: {value}"
        )
    return values if isinstance(values, list) else float(values)
