"""A check of masks, for layers where a wrong one would pass unnoticed."""


def check_mask(name, mask, sequence):
    """Raises ValueError unless `mask` has the shape of `sequence` without D.

    Args:
        name: str, the name of the argument.
        mask: None, or a tensor that should be of shape `(B, P)`.
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
