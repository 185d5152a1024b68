import math

import keras
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.at_least_float32 import at_least_float32
from vqa_keras.layers.masked_layer import MaskedLayer
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class GridPositionEncoding(MaskedLayer):
    """Adds sinusoidal encodings of row and column to the regions of a grid.

    Half of the D units encode the row, the other half the column:

        wave(p)  = [sin(p / c_0), cos(p / c_0), sin(p / c_1), ...]
                   c_i = 10000 ^ (i / (D / 4)),  i = 0 ... D / 4 - 1
        regions'_(row, column) = regions_(row, column)
                                 + [wave(row); wave(column)]

    Attention ignores the order of the regions, and the features of a grid's
    cells contain no coordinates. The layer has no parameters. Its encodings
    have a length of sqrt(D / 2); regions should have units of about that size,
    such as those of a layer norm.

    Args:
        grid_shape: tuple of two ints. The rows and columns `(h, w)`.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        regions: the cells of the grid, row by row, `(B, h w, D)`.
        regions_mask: optional bool or int, `(B, M)`, 0 at padding. Defaults to
            the Keras mask attached to `regions`. With it, padding may follow
            the cells: `(B, M, D)`, M > h w.

    Returns:
        regions: of the same shape, zeros at padding.

    Raises:
        ValueError: if `grid_shape` is not two sizes, D is not a multiple of
            four, there are not `h w` regions, padding aside, or the mask has
            another shape.

    Departure from the paper: it encodes the one position of a word; this is its
    formula, once for the row and once for the column.

    Example:
    ```python
    regions = keras.random.normal((2, 49, 64))
    encoding = vqa_keras.layers.GridPositionEncoding(grid_shape=(7, 7))
    print(encoding(regions).shape)  # (2, 49, 64)
    ```

    Reference:
        [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762).
    """

    keeps = ("regions",)

    def __init__(self, grid_shape, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(grid_shape, tuple | list) or len(grid_shape) != 2:
            raise ValueError(
                "`grid_shape` must be the rows and columns (h, w) of a grid. "
                f"Received: {grid_shape!r}"
            )
        check_size("grid_shape[0]", grid_shape[0])
        check_size("grid_shape[1]", grid_shape[1])
        self.grid_shape = tuple(grid_shape)

    def build(self, regions_shape):
        if len(regions_shape) != 3 or regions_shape[-1] % 4:
            raise ValueError(
                "`regions` must have shape (batch, h w, features) with a "
                "multiple of four features: sines and cosines of row and "
                f"column. Received: regions.shape={regions_shape}"
            )

    def call(self, regions, regions_mask=None):
        height, width = self.grid_shape
        num_regions, num_cells = regions.shape[1], height * width
        if num_regions is not None and (
            num_regions < num_cells
            or num_regions > num_cells
            and regions_mask is None
        ):
            raise ValueError(
                f"`regions` must be the {num_cells} cells of a grid of shape "
                f"{self.grid_shape}. Received: "
                f"regions.shape={tuple(regions.shape)}"
            )
        cells = ops.arange(ops.shape(regions)[1])  # (M,)
        half = regions.shape[-1] // 2
        dtype = at_least_float32(self.compute_dtype)
        encodings = ops.concatenate(
            [
                _waves(cells // width, half, dtype),
                _waves(cells % width, half, dtype),
            ],
            axis=-1,
        )  # (M, D)
        regions = regions + ops.cast(encodings, self.compute_dtype)
        return zero_padding(regions, regions_mask, "regions_mask")

    def compute_output_shape(self, regions_shape):
        return regions_shape

    def get_config(self):
        return {**super().get_config(), "grid_shape": self.grid_shape}


def _waves(positions, dim, dtype):
    """Returns sines and cosines of the positions, `(M, dim)`."""
    frequencies = ops.exp(
        ops.arange(dim // 2, dtype=dtype) * (-2 * math.log(10000) / dim)
    )
    angles = ops.outer(ops.cast(positions, dtype), frequencies)
    waves = ops.stack([ops.sin(angles), ops.cos(angles)], axis=-1)
    return ops.reshape(waves, (-1, dim))
