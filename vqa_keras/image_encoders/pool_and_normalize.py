import keras

from vqa_keras.errors import UserError
from vqa_keras.layers import RegionNormalization


def pool_and_normalize(encoder, pool=None, l2_normalize=False):
    """Adds pooling and normalization to the feature maps of an image encoder.

    The layers are part of the network, so that a model loaded from its file
    computes the features of the records.

    Args:
        encoder: `keras.Model` whose output is a grid or a dict of grids.
        pool: int. Averages `pool` x `pool` neighboring cells into one: 2 pools
            14 x 14 cells to 7 x 7. Rows and columns at the bottom and the
            right that fill no whole square are dropped. Defaults to `None`, no
            pooling.
        l2_normalize: bool. Whether the features of each cell are scaled to
            length 1; zeros stay zeros. Defaults to `False`.

    Returns:
        A `keras.Model` with the same inputs and names of outputs; `encoder`
        itself if neither is requested.

    Raises:
        UserError: if a grid has fewer rows or columns than `pool`.

    Example:
    ```python
    encoder = vqa_keras.image_encoders.load("ResNet50", image_size=448)
    encoder = vqa_keras.image_encoders.pool_and_normalize(encoder, pool=2)
    grid = encoder.predict(images)  # (B, 7, 7, 2048)
    ```
    """
    if not pool and not l2_normalize:
        return encoder
    outputs = encoder.output
    grids = outputs if isinstance(outputs, dict) else {"": outputs}
    changed = {
        level: _after(grid, f"_{level}" if level else "", pool, l2_normalize)
        for level, grid in grids.items()
    }
    if not isinstance(outputs, dict):
        changed = changed[""]
    return keras.Model(encoder.input, changed, name=encoder.name)


def _after(grid, suffix, pool, l2_normalize):
    if pool:
        if min(grid.shape[1:3]) < pool:
            raise UserError(
                f"The grid must have at least {pool} x {pool} cells to be "
                f"pooled. Received: {grid.shape[1]} x {grid.shape[2]} cells"
            )
        grid = keras.layers.AveragePooling2D(pool, name=f"pool{suffix}")(grid)
    if l2_normalize:
        grid = RegionNormalization(name=f"l2_normalize{suffix}")(grid)
    return grid
