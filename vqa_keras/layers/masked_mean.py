"""The mean of the vectors that are no padding."""

import keras
from keras import ops

from vqa_keras.layers.check_mask import check_mask


def masked_mean(vectors, mask=None):
    """Returns the mean of the valid vectors of each row, `(B, D)`.

    It is computed and returned in float32 (float64 stays), where a large grid
    of float16 features does not overflow. A row with nothing valid gives zeros.

    Args:
        vectors: `(B, P, D)`, regions or words.
        mask: optional bool or int, `(B, P)`, 0 at padding.

    Raises:
        ValueError: if `mask` is not of the shape of `vectors` without D.
    """
    dtype = keras.backend.result_type(vectors.dtype, "float32")
    vectors = ops.cast(vectors, dtype)
    if mask is None:
        return ops.mean(vectors, axis=1)
    check_mask("mask", mask, vectors)
    mask = ops.expand_dims(ops.cast(mask, dtype), axis=-1)  # (B, P, 1)
    count = ops.maximum(ops.sum(mask, axis=1), 1.0)
    return ops.sum(vectors * mask, axis=1) / count
