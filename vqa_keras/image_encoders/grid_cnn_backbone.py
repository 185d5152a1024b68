import keras
import keras_hub
from keras import layers

from vqa_keras.image_encoders.grid_coordinates import GridCoordinates


@keras.saving.register_keras_serializable(package="vqa_keras")
class GridCNNBackbone(keras_hub.models.Backbone):
    """Computes a grid of region features by a CNN of small receptive fields.

    Applies convolutions, each with batch normalization and ReLU:

        grid = relu(norm(conv(... relu(norm(conv(pixels / 127.5 - 1))))))

    The defaults divide an image into cells of 8 x 8 pixels. The receptive
    field of a cell has 11 x 11 pixels (3, 2 strides of 2 more, then 4 more):
    the cell and a margin. The features of a background cell are thus
    independent of an object two cells away, and attention must weight the
    cells of the evidence. A deeper network is more accurate on photographs,
    but its heat maps localize less.

    Args:
        filters: list of int, the channels of each convolution. Defaults to
            `(24, 48, 96, 96)`.
        kernel_sizes: list of int, the kernel size of each convolution. Defaults
            to `(3, 3, 2, 1)`.
        strides: list of int, the stride of each convolution. Defaults to
            `(2, 2, 2, 1)`.
        image_shape: `(height, width, 3)` of the images. Defaults to
            `(64, 64, 3)`.
        coordinates: bool. Whether the last convolution also takes the
            coordinates of each cell, see `GridCoordinates`. Its ReLU can then
            combine content and position ("a circle on the left"), so that even
            a mean over the cells keeps the combination. Defaults to `False`.
        dtype: dtype policy of the computation.
        **kwargs: passed to `keras_hub.models.Backbone`.

    Call arguments:
        images: RGB images of values 0 to 255, `(B, height, width, 3)`.

    Returns:
        grid: `(B, h, w, C)`, C being the last of `filters`; not negative and
            not L2-normalized.

    Raises:
        ValueError: if the three lists differ in length or are empty.

    Example:
    ```python
    images = np.random.uniform(0, 255, (2, 64, 64, 3))
    encoder = vqa_keras.image_encoders.GridCNNBackbone()
    grid = encoder.predict(images)  # (2, 8, 8, 96)
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
                use_bias=False,  # the normalization adds one
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
