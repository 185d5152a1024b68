from keras import ops


def attend_in_heads(
    queries, keys, values, num_heads, softmax, mask=None, dropout=None
):
    """Scaled dot-product attention in several heads.

        weights_h = softmax(queries_h keys_h^T / sqrt(D / H))
        filtered  = [weights_1 values_1; ...; weights_H values_H]

    Args:
        queries: `(B, P, D)`.
        keys: `(B, M, D)`.
        values: `(B, M, D)`.
        num_heads: int, a divisor H of D.
        softmax: the `softmax` of an `AttentionLayer`.
        mask: optional bool that broadcasts to `(B, H, P, M)`.
        dropout: optional `keras.layers.Dropout` of the weights in the sum; the
            weights returned are those before.

    Returns:
        filtered: `(B, P, D)`, zeros where the mask leaves nothing.
        weights: `(B, H, P, M)`.
    """

    def split(vectors):
        batch, length, dim = ops.shape(vectors)
        shape = (batch, length, num_heads, dim // num_heads)
        return ops.reshape(vectors, shape)

    # Scaled before the product, which could overflow in float16.
    queries = split(queries * (queries.shape[-1] // num_heads) ** -0.5)
    scores = ops.einsum("bphd,bmhd->bhpm", queries, split(keys))
    weights = softmax(scores, mask)
    used = ops.cast(weights, values.dtype)
    if dropout is not None:
        used = dropout(used)
    filtered = ops.einsum("bhpm,bmhd->bphd", used, split(values))
    batch, length, _, _ = ops.shape(filtered)
    return ops.reshape(filtered, (batch, length, values.shape[-1])), weights


def pairs_mask(query_mask, context_mask):
    """Returns the pairs of valid positions, bool `(B, 1, P, M)`, or None.

    Args:
        query_mask: bool or int, `(B, P)`, or None if all are valid. Without it
            the result is `(B, 1, 1, M)`.
        context_mask: the same, `(B, M)`. Without it: `(B, 1, P, 1)`.
    """
    if query_mask is not None:
        query_mask = ops.cast(query_mask, "bool")[:, None, :, None]
    if context_mask is not None:
        context_mask = ops.cast(context_mask, "bool")[:, None, None, :]
    if query_mask is None or context_mask is None:
        return context_mask if query_mask is None else query_mask
    return query_mask & context_mask
