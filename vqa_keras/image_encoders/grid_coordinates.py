import keras
from keras import KerasTensor
from keras import ops


@keras.saving.register_keras_serializable(package="vqa_keras")
class GridCoordinates(keras.layers.Layer):
    """Concatenates the coordinates of its center to each cell of a grid.

        grid'_ij = [grid_ij; y_i; x_j]
        y_i = 2 (i + 1/2) / h - 1
        x_j = 2 (j + 1/2) / w - 1

    Coordinates run from -1 (top, left) to 1. Attention treats regions as a
    set; questions about positions ("is it on the left?", "what is next to
    it?") require the position of each.

    Args:
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        grid: `(B, h, w, C)`.

    Returns:
        `(B, h, w, C + 2)`.

    Example:
    ```python
    grid = np.ones((1, 8, 8, 96))
    located = vqa_keras.image_encoders.GridCoordinates()(grid)
    located.shape  # (1, 8, 8, 98)
    ```

    Reference:
        [Santoro et al., 2017](https://arxiv.org/abs/1706.01427), who add the
        coordinates of each cell in the same way.
    """

    def call(self, grid):
        batch, height, width, _ = ops.shape(grid)
        rows = (ops.arange(height, dtype="float32") + 0.5) * (2 / height) - 1
        columns = (ops.arange(width, dtype="float32") + 0.5) * (2 / width) - 1
        places = ops.stack(ops.meshgrid(rows, columns, indexing="ij"), axis=-1)
        places = ops.cast(places, self.compute_dtype)  # (h, w, 2)
        places = ops.broadcast_to(places, (batch, height, width, 2))
        return ops.concatenate([grid, places], axis=-1)

    def compute_output_spec(self, grid):
        shape = (*grid.shape[:3], grid.shape[3] + 2)
        return KerasTensor(shape, dtype=self.compute_dtype)

    def compute_output_shape(self, grid_shape):
        return (*grid_shape[:3], grid_shape[3] + 2)
