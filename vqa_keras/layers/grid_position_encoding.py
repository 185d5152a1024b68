import math

import keras
from keras import KerasTensor
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.check_mask import check_mask


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
        regions_mask: optional bool or int, `(B, M)`, 0 at padding. With it
            there may be padding after the cells: `(B, M, D)`, M > h w.

    Returns:
        The regions with their positions, of the same shape.

    Raises:
        ValueError: if `grid_shape` is not two sizes, D is not a multiple of
            four or there are not `h w` regions, padding aside.

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

    def call(self, regions, regions_mask=None):
        check_mask("regions_mask", regions_mask, regions)
        height, width = self.grid_shape
        found, needed = regions.shape[1], height * width
        if found is not None and (
            found < needed or found > needed and regions_mask is None
        ):
            raise ValueError(
                f"`regions` must be the {needed} cells of a grid of shape "
                f"{self.grid_shape}. Received: "
                f"regions.shape={tuple(regions.shape)}"
            )
        cells = ops.arange(ops.shape(regions)[1])
        half = regions.shape[-1] // 2
        encodings = ops.concatenate(
            [_waves(cells // width, half), _waves(cells % width, half)],
            axis=-1,
        )  # (M, D)
        return regions + ops.cast(encodings, self.compute_dtype)

    def compute_output_shape(self, regions_shape):
        return regions_shape

    def compute_output_spec(self, regions, regions_mask=None):
        return KerasTensor(regions.shape, dtype=self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "grid_shape": self.grid_shape}


def _waves(positions, dim):
    """Sine and cosine of every position in turn, float32, `(M, dim)`."""
    frequencies = ops.exp(
        ops.arange(dim // 2, dtype="float32") * (-2 * math.log(10000) / dim)
    )
    angles = ops.outer(ops.cast(positions, "float32"), frequencies)
    waves = ops.stack([ops.sin(angles), ops.cos(angles)], axis=-1)
    return ops.reshape(waves, (-1, dim))
