"""Names the axes of a model's attention weights from the attention's name."""

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
    """Returns the kind of an attention: the longest that begins its name.

    Args:
        name: str, such as "words_to_regions_2".

    Returns:
        str, such as "words_to_regions".

    Raises:
        ValueError: if no known kind begins the name.
    """
    kinds = [k for k in _KINDS if name == k or name.startswith(f"{k}_")]
    if not kinds:
        raise ValueError(
            "The name of an attention must begin with one of "
            f"{', '.join(_KINDS)}. Received: {name}"
        )
    return max(kinds, key=len)


def attention_axes(name, rank=None):
    """Returns the names of an attention's axes, without the batch.

    `regions_*`, `words_*`, `channels_*`, `cnn_layers_*` and `concepts_*` are
    weights over the axis that they name. `words_to_regions_*` has weights over
    the regions for each word, and so on; the last axis sums to 1.
    `affinity_*` scores how well each word and region match, from -1 to 1, and
    is not normalized.

    Args:
        name: str, such as "regions_1".
        rank: optional int. Number of axes without the batch. One more axis than
            those of the kind stands for several heads or glimpses.

    Returns:
        tuple of str, such as `("words", "regions")` or
        `("heads", "words", "regions")`.

    Raises:
        ValueError: if no known kind begins the name, or its kind cannot have
            the rank.
    """
    axes = _KINDS[attention_kind(name)]
    if rank in (None, len(axes)):
        return axes
    if rank == len(axes) + 1:
        return ("heads", *axes)
    raise ValueError(
        f"Attention {name!r} must have the axes {', '.join(axes)}, optionally "
        f"preceded by heads. Received: {rank} axes"
    )


def unflatten_regions(name, weights, grid_shape):
    """Reshapes every axis of regions to the rows and columns of their grid.

    Args:
        name: str. Name of the attention.
        weights: array or tensor with a batch axis, such as `(B, M)`.
        grid_shape: `(h, w)`, or None if the regions are not cells of a grid.

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
