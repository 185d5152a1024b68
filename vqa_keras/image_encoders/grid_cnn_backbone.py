import keras
import keras_hub
from keras import layers

from vqa_keras.image_encoders.grid_coordinates import GridCoordinates


@keras.saving.register_keras_serializable(package="vqa_keras")
class GridCNNBackbone(keras_hub.models.Backbone):
    """A small CNN whose every cell sees little more than itself.

    One convolution after another, each with batch normalization and ReLU, turn
    pixels into a grid of region features:

        grid = relu(norm(conv(... relu(norm(conv(pixels / 127.5 - 1))))))

    The defaults divide a picture into cells of 8 x 8 pixels, and a cell sees
    11 x 11 (3, then 2 strides of 2 pixels more, then 4): itself and a margin.
    A cell of the background then cannot know about an object two cells away,
    so attention has to look where the evidence is. A deeper network is more
    accurate on photographs, but its heat maps say less about where.

    Args:
        filters: list of int, the channels of each convolution.
        kernel_sizes: list of int, the kernel of each convolution.
        strides: list of int, the stride of each convolution.
        image_shape: `(height, width, 3)` of the images.
        coordinates: bool. Whether the last convolution also sees where each
            cell lies, see `GridCoordinates`. It comes before the last ReLU, so
            that what is there and where it is can be told together ("a circle
            on the left") even by a mean over the cells. Defaults to `False`.
        dtype: dtype policy of the computation.

    Call arguments:
        images: RGB images of values 0 to 255, `(B, height, width, 3)`.

    Returns:
        The grid, `(B, h, w, C)`, `C` being the last of `filters`; not
        normalized and not negative.

    Raises:
        ValueError: if the three lists differ in length or are empty.

    Example:
    ```python
    encoder = GridCNNBackbone(image_shape=(64, 64, 3))
    grid = encoder.predict(images)  # (B, 8, 8, 96)
    ```
    """

    def __init__(
        self,
        filters=(24, 48, 96, 96),
        kernel_sizes=(3, 3, 2, 1),
        strides=(2, 2, 2, 1),
        image_shape=(64, 64, 3),
        coordinates=False,
        dtype=None,
        **kwargs,
    ):
        sizes = [len(filters), len(kernel_sizes), len(strides)]
        if len(set(sizes)) > 1 or not sizes[0]:
            raise ValueError(
                "`filters`, `kernel_sizes` and `strides` must have one entry "
                "per convolution, at least one. Received lengths: "
                f"{', '.join(map(str, sizes))}"
            )
        # === Functional model ===
        images = keras.Input(image_shape, name="images")
        x = layers.Rescaling(
            1 / 127.5, offset=-1, dtype=dtype, name="rescaling"
        )(images)
        convolutions = zip(filters, kernel_sizes, strides, strict=True)
        for i, (channels, kernel_size, stride) in enumerate(convolutions, 1):
            if coordinates and i == len(filters):
                x = GridCoordinates(dtype=dtype, name="coordinates")(x)
            x = layers.Conv2D(
                channels,
                kernel_size,
                strides=stride,
                padding="same",
                use_bias=False,  # the normalization has one
                kernel_initializer="he_normal",
                dtype=dtype,
                name=f"conv_{i}",
            )(x)
            x = layers.BatchNormalization(
                momentum=0.9, dtype=dtype, name=f"norm_{i}"
            )(x)
            x = layers.ReLU(dtype=dtype, name=f"relu_{i}")(x)
        super().__init__(inputs=images, outputs=x, dtype=dtype, **kwargs)

        # === Config ===
        self.filters = list(filters)
        self.kernel_sizes = list(kernel_sizes)
        self.strides = list(strides)
        self.image_shape = tuple(image_shape)
        self.coordinates = coordinates

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_sizes": self.kernel_sizes,
            "strides": self.strides,
            "image_shape": self.image_shape,
            "coordinates": self.coordinates,
        }
