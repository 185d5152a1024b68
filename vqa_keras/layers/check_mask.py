"""A check of masks, for layers where a wrong one would pass unnoticed."""

import numpy as np
from keras import backend
from keras import ops


def check_mask(name, mask, sequence):
    """Raises ValueError unless `mask` says of each position if it is valid.

    Args:
        name: str, the name of the argument.
        mask: None, or a tensor that should be of shape `(B, P)`. Floats must
            be 0 or 1; in a compiled function their values are not known, and
            not checked.
        sequence: `(B, P, D)`.
    """
    if mask is None:
        return
    shape, expected = tuple(mask.shape), tuple(sequence.shape[:2])
    if len(shape) != 2 or any(
        None not in sizes and sizes[0] != sizes[1]
        for sizes in zip(shape, expected, strict=True)
    ):
        raise ValueError(
            f"`{name}` must have shape (batch, positions), here {expected}. "
            f"Received: {name}.shape={shape}"
        )
    values = _values(mask) if backend.is_float_dtype(mask.dtype) else None
    if values is not None and not np.isin(values, (0, 1)).all():
        raise ValueError(
            f"`{name}` must be 0 at padding and 1 elsewhere. Received: "
            f"{name} with the value {values[~np.isin(values, (0, 1))][0]}"
        )


def _values(tensor):
    """The values of a tensor as an array, or None while a graph is traced."""
    try:
        return ops.convert_to_numpy(ops.cast(tensor, "float32"))
    except Exception:  # Each backend has its own, for tensors without values.
        return None
