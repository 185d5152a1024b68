import keras

from vqa_keras.errors import UserError
from vqa_keras.layers import RegionNormalization


def pool_and_normalize(encoder, pool=None, l2_normalize=False):
    """Returns an image encoder with layers after its feature maps.

    They are part of the network, so that who loads its file computes what the
    records hold.

    Args:
        encoder: `keras.Model` to one grid, or to a dict of grids.
        pool: int or None. Averages `pool` x `pool` neighboring cells into one:
            2 makes 7 x 7 cells of 14 x 14. Cells that fill no whole square at
            the right and at the bottom are left out.
        l2_normalize: bool. Whether the features of every cell are scaled to
            length 1; a cell of zeros stays so.

    Returns:
        A `keras.Model` of the same inputs and of outputs of the same names;
        `encoder` itself if there is nothing to do.

    Raises:
        UserError: if a grid has fewer rows or columns than `pool`.
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
                f"Pooling {pool} x {pool} cells needed a grid of at least that "
                f"size. Received: {grid.shape[1]} x {grid.shape[2]} cells"
            )
        grid = keras.layers.AveragePooling2D(pool, name=f"pool{suffix}")(grid)
    if l2_normalize:
        grid = RegionNormalization(name=f"l2_normalize{suffix}")(grid)
    return grid
