"""Checks of masks, for layers in which a wrong mask would raise no error."""

from keras import backend
from keras import ops


def check_mask(name, mask, sequence):
    """Raises ValueError unless `mask` marks each position as valid or not.

    Args:
        name: str. Name of the argument, for the message.
        mask: None, or a tensor that must be of shape `(B, P)`. Floats must be
            0 or 1; they are not checked in a compiled function, where their
            values are not known.
        sequence: `(B, P, D)` or token ids, `(B, P)`; of a grid,
            `(B, h, w, D)`, the mask is `(B, h, w)`.
    """
    if mask is None:
        return
    shape, expected = tuple(mask.shape), tuple(sequence.shape)
    expected = expected[: max(2, len(expected) - 1)]
    if len(shape) != len(expected) or any(
        None not in sizes and sizes[0] != sizes[1]
        for sizes in zip(shape, expected, strict=True)
    ):
        raise ValueError(
            f"`{name}` must have shape (batch, positions), here {expected}. "
            f"Received: {name}.shape={shape}"
        )
    is_float = "float" in backend.standardize_dtype(mask.dtype)
    values = _values(mask) if is_float else None
    if values is None:
        return
    others = values[(values != 0) & (values != 1)]
    if len(others):
        raise ValueError(
            f"`{name}` must be 0 at padding and 1 elsewhere. Received: "
            f"{name} with the value {others[0]}"
        )


def _values(tensor):
    """Returns a tensor's values as an array, or None while tracing a graph."""
    try:
        return ops.convert_to_numpy(ops.cast(tensor, "float32"))
    except Exception:  # Backends differ in what a symbolic tensor raises.
        return None


def check_input_mask(inputs):
    """Raises ValueError if a model's inputs hold a `regions_mask` of fractions.

    The mask is an integer input of the model: Keras would truncate fractions.
    """
    mask = inputs.get("regions_mask") if isinstance(inputs, dict) else None
    check_mask("regions_mask", mask, mask)
