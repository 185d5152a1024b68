"""Mean of a sequence over its valid positions."""

from keras import ops

from vqa_keras.layers.at_least_float32 import at_least_float32
from vqa_keras.layers.zero_padding import zero_padding


def masked_mean(vectors, mask=None):
    """Returns the mean of each sequence's valid vectors, `(B, D)`.

    It is computed and returned in float32 (float64 stays), in which a large
    grid of float16 features does not overflow. A sequence without a valid
    vector gives zeros.

    Args:
        vectors: `(B, P, D)`, regions or words.
        mask: optional bool or int, `(B, P)`, 0 at padding.

    Raises:
        ValueError: if `mask` is not of the shape `(B, P)`.
    """
    dtype = at_least_float32(vectors.dtype)
    vectors = ops.cast(vectors, dtype)
    if mask is None:
        return ops.mean(vectors, axis=1)
    vectors = zero_padding(vectors, mask)
    valid = ops.cast(ops.cast(mask, "bool"), dtype)
    count = ops.maximum(ops.sum(valid, axis=1, keepdims=True), 1.0)
    return ops.sum(vectors, axis=1) / count  # (B, D)
