from keras import ops

from vqa_keras.layers.check_mask import check_mask


def zero_padding(sequence, mask=None, name="mask"):
    """Returns `sequence` with zeros at padding.

    Padding is replaced, not multiplied by 0: it may be NaN, or infinite in half
    precision.

    Args:
        sequence: `(B, P, D)`.
        mask: optional bool or int, `(B, P)`, 0 at padding. Without it,
            `sequence` is returned as it is.
        name: str. Name of the mask, for the message. Defaults to `"mask"`.

    Raises:
        ValueError: if the mask has another shape than the sequence's
            positions, or floats that are neither 0 nor 1.
    """
    if mask is None:
        return sequence
    check_mask(name, mask, sequence)
    is_valid = ops.expand_dims(ops.cast(mask, "bool"), axis=-1)
    return ops.where(is_valid, sequence, 0.0)


def remove_padding(token_ids, mask=None, name="token_ids_mask"):
    """Returns token ids with 0 at the padding of an optional mask, `(B, N)`."""
    if mask is None:
        return token_ids
    check_mask(name, mask, token_ids)
    return ops.where(ops.cast(mask, "bool"), token_ids, 0)
