"""Checks of constructor arguments, worded alike in all layers."""


def check_size(name, size, minimum=1):
    """Raises ValueError unless `size` is an int and at least `minimum`."""
    is_int = isinstance(size, int) and not isinstance(size, bool)
    if not is_int or size < minimum:
        raise ValueError(
            f"`{name}` must be an integer of at least {minimum}. "
            f"Received: {size!r}"
        )
