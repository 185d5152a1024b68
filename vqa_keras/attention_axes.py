"""What the axes of a model's attention are, by its name."""

import numpy as np
from keras import ops

# A name is one of these, perhaps with a suffix: "regions_2", "words_word".
_KINDS = {
    "regions": ("regions",),
    "words": ("words",),
    "channels": ("channels",),
    "cnn_layers": ("cnn_layers",),
    "concepts": ("concepts",),
    "affinity": ("words", "regions"),
    "words_to_words": ("words", "words"),
    "words_to_regions": ("words", "regions"),
    "regions_to_words": ("regions", "words"),
    "regions_to_regions": ("regions", "regions"),
}


def attention_kind(name):
    """Returns the kind of an attention, the longest that begins its name.

    Args:
        name: str, such as "words_to_regions_2".

    Returns:
        str, such as "words_to_regions".

    Raises:
        ValueError: for a name of no known kind.
    """
    kinds = [k for k in _KINDS if name == k or name.startswith(f"{k}_")]
    if not kinds:
        raise ValueError(
            "The name of an attention must begin with one of "
            f"{', '.join(_KINDS)}. Received: {name}"
        )
    return max(kinds, key=len)


def attention_axes(name, rank=None):
    """Returns the names of the axes of an attention, without the batch.

    `regions_*` are weights of the regions, `words_*` of the words,
    `channels_*`, `cnn_layers_*` and `concepts_*` of those. In
    `words_to_regions_*` each word has weights of the regions, and so on; the
    last axis sums to 1. `affinity_*` is how well each word and region match,
    from -1 to 1; it is not normalized.

    Args:
        name: str, such as "regions_1".
        rank: int, the number of axes without the batch. One more than the
            kind has means that there are several heads or glimpses.

    Returns:
        tuple of str, such as `("words", "regions")` or
        `("heads", "words", "regions")`.

    Raises:
        ValueError: for a name of no known kind, or a rank it cannot have.
    """
    axes = _KINDS[attention_kind(name)]
    if rank in (None, len(axes)):
        return axes
    if rank == len(axes) + 1:
        return ("heads", *axes)
    raise ValueError(
        f"Attention {name!r} must have the axes {', '.join(axes)}, and heads "
        f"before them if any. Received: {rank} axes"
    )


def unflatten_regions(name, weights, grid_shape):
    """Gives every axis of regions the shape of the grid they are cells of.

    Args:
        name: str, name of the attention.
        weights: array or tensor with a batch axis, such as `(B, M)`.
        grid_shape: `(h, w)`, or None if the regions are no grid.

    Returns:
        `weights`, an array if it was one, with `(..., h, w, ...)` in place of
        each axis of M = h w regions; unchanged if M is not h w.
    """
    if not grid_shape:
        return weights
    axes = attention_axes(name, len(weights.shape) - 1)
    height, width = grid_shape
    shape = [-1]
    for axis, size in zip(axes, ops.shape(weights)[1:], strict=True):
        if axis != "regions":
            shape.append(size)
        elif isinstance(size, int) and size != height * width:
            return weights
        else:
            shape += [height, width]
    if isinstance(weights, np.ndarray):
        return weights.reshape(shape)
    return ops.reshape(weights, shape)
