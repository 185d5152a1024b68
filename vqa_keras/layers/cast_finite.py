from keras import ops


def cast_finite(tensor, dtype):
    """Returns `tensor` in `dtype`, finite where it was.

    Products of features exceed the range of float16: they become its largest
    number, 65,504, with their sign. Other dtypes are only cast.

    Args:
        tensor: of any float dtype.
        dtype: str. Name of a float dtype.
    """
    if dtype != "float16":
        return ops.cast(tensor, dtype)
    limited = ops.clip(tensor, -65504.0, 65504.0)
    return ops.cast(ops.where(ops.isinf(tensor), tensor, limited), dtype)
