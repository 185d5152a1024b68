from keras import ops

from vqa_keras.layers.check_mask import check_mask


def zero_padding(sequence, mask=None, name="mask"):
    """Returns `sequence` with zeros at padding, whatever it held.

    Args:
        sequence: `(B, P, D)`.
        mask: optional bool or int, `(B, P)`, 0 at padding.
        name: str, the name of the mask in an error.

    Returns:
        `(B, P, D)`. A product of padding with 0 would not do: padding may be
        NaN, or have become infinite in half precision.

    Raises:
        ValueError: if the mask has another shape than the sequence's
            positions, or floats that are neither 0 nor 1.
    """
    if mask is None:
        return sequence
    check_mask(name, mask, sequence)
    is_valid = ops.expand_dims(ops.cast(mask, "bool"), axis=-1)
    return ops.where(is_valid, sequence, 0.0)
