from keras import ops

from vqa_keras.layers.at_least_float32 import at_least_float32


def attend_in_heads(
    queries, keys, values, num_heads, softmax, mask=None, dropout=None
):
    """Computes scaled dot-product attention in several heads.

        weights_h = softmax(queries_h keys_h^T / sqrt(D / H))
        filtered  = [weights_1 values_1; ...; weights_H values_H]

    Args:
        queries: `(B, P, D)`.
        keys: `(B, M, D)`.
        values: `(B, M, D)`.
        num_heads: int. Number of heads H, a divisor of D.
        softmax: the `softmax` of an `AttentionLayer`.
        mask: optional bool that broadcasts to `(B, H, P, M)`, False at padding.
        dropout: optional `keras.layers.Dropout`, applied to the weights in the
            sum. The weights returned are those before it.

    Returns:
        filtered: `(B, P, D)`, zeros where the mask leaves no key.
        weights: `(B, H, P, M)`.
    """

    def split(vectors):
        batch, length, dim = ops.shape(vectors)
        shape = (batch, length, num_heads, dim // num_heads)
        return ops.reshape(vectors, shape)

    # In float32: products of long vectors overflow in float16.
    dtype = at_least_float32(queries.dtype)
    queries, keys = ops.cast(queries, dtype), ops.cast(keys, dtype)
    queries = split(queries * (queries.shape[-1] // num_heads) ** -0.5)
    scores = ops.einsum("bphd,bmhd->bhpm", queries, split(keys))
    weights = softmax(scores, mask)
    factors = ops.cast(weights, values.dtype)
    if dropout is not None:
        factors = dropout(factors)
    filtered = ops.einsum("bhpm,bmhd->bphd", factors, split(values))
    batch, length, _, _ = ops.shape(filtered)
    return ops.reshape(filtered, (batch, length, values.shape[-1])), weights


def pairs_mask(query_mask, context_mask):
    """Returns the mask of pairs of valid positions, bool `(B, 1, P, M)`.

    Args:
        query_mask: optional bool or int, `(B, P)`, 0 at padding. Without it,
            the result is `(B, 1, 1, M)`.
        context_mask: optional bool or int, `(B, M)`, likewise. Without it, the
            result is `(B, 1, P, 1)`, and None without both.
    """
    if query_mask is not None:
        query_mask = ops.cast(query_mask, "bool")[:, None, :, None]
    if context_mask is not None:
        context_mask = ops.cast(context_mask, "bool")[:, None, None, :]
    if query_mask is None or context_mask is None:
        return context_mask if query_mask is None else query_mask
    return query_mask & context_mask
