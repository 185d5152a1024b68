import math

import keras
from keras import ops

from vqa_keras.layers.arguments import check_size


@keras.saving.register_keras_serializable(package="vqa_keras")
class GridPositionEncoding(keras.layers.Layer):
    """Tells the regions of a grid where they lie, in waves of row and column.

    Half of the D units of an encoding are of the row, half of the column:

        wave(p)  = [sin(p / c_0), cos(p / c_0), sin(p / c_1), ...]
                   c_i = 10000 ^ (i / (D / 4)),  i = 0 ... D / 4 - 1
        regions'_(row, column) = regions_(row, column)
                                 + [wave(row); wave(column)]

    Attention alone takes the regions for a set. The cells of a grid, unlike
    the boxes of a detector, carry no coordinates in their features either. The
    layer has no weights. Its encodings have a length of sqrt(D / 2): give it
    regions of units of about that size, such as a layer norm's.

    Args:
        grid_shape: tuple of two ints, `(h, w)`, the rows and columns of the
            grid.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        regions: the cells of the grid, row by row, `(B, h w, D)`.

    Returns:
        The regions with their positions, of the same shape.

    Raises:
        ValueError: if `grid_shape` is not two sizes, D is not a multiple of
            four or there are not `h w` regions.

    Departure from the paper: it encodes the one position of a word; this is its
    formula, once for the row and once for the column.

    Reference:
        [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762).
    """

    def __init__(self, grid_shape, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(grid_shape, tuple | list) or len(grid_shape) != 2:
            raise ValueError(
                "`grid_shape` must be the rows and columns (h, w) of a grid. "
                f"Received: {grid_shape!r}"
            )
        check_size("grid_shape[0]", grid_shape[0])
        check_size("grid_shape[1]", grid_shape[1])
        self.supports_masking = True
        self.grid_shape = tuple(grid_shape)

    def build(self, regions_shape):
        if len(regions_shape) != 3 or regions_shape[-1] % 4:
            raise ValueError(
                "`regions` must have shape (batch, h w, features) with a "
                "multiple of four features, a sine and a cosine for row and "
                f"column. Received: regions.shape={regions_shape}"
            )
        self._check_cells(regions_shape)

    def call(self, regions):
        self._check_cells(regions.shape)  # their number may be new
        height, width = self.grid_shape
        dim = regions.shape[-1]
        rows = ops.repeat(_waves(height, dim // 2), width, axis=0)
        columns = ops.tile(_waves(width, dim // 2), (height, 1))
        encodings = ops.concatenate([rows, columns], axis=-1)  # (h w, D)
        return regions + ops.cast(encodings, self.compute_dtype)

    def _check_cells(self, regions_shape):
        height, width = self.grid_shape
        if regions_shape[1] not in (None, height * width):
            raise ValueError(
                f"`regions` must be the {height * width} cells of a grid of "
                f"shape {self.grid_shape}. Received: "
                f"regions.shape={tuple(regions_shape)}"
            )

    def compute_output_shape(self, regions_shape):
        return regions_shape

    def get_config(self):
        return {**super().get_config(), "grid_shape": self.grid_shape}


def _waves(num_positions, dim):
    """Sine and cosine of every position in turn, float32, `(P, dim)`."""
    frequencies = ops.exp(
        ops.arange(dim // 2, dtype="float32") * (-2 * math.log(10000) / dim)
    )
    angles = ops.outer(ops.arange(num_positions, dtype="float32"), frequencies)
    waves = ops.stack([ops.sin(angles), ops.cos(angles)], axis=-1)
    return ops.reshape(waves, (num_positions, dim))
