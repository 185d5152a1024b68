from keras import ops


def attend_in_heads(
    queries, keys, values, num_heads, softmax, mask, dropout=None
):
    """Scaled dot-product attention in several heads.

        weights_h = softmax(queries_h keys_h^T / sqrt(D / H))
        found     = [weights_1 values_1; ...; weights_H values_H]

    Args:
        queries: `(B, P, D)`, of the positions that ask.
        keys: `(B, Q, D)`, of the positions that answer.
        values: `(B, Q, D)`, what these have to give.
        num_heads: int, a divisor H of D.
        softmax: `keras.layers.Softmax`; in its dtype the weights are computed
            and returned.
        mask: bool, to broadcast with `(B, H, P, Q)`, or None.
        dropout: optional `keras.layers.Dropout` of the weights that are used;
            those returned are whole.

    Returns:
        found: `(B, P, D)`. Zeros where nothing may answer.
        weights: `(B, H, P, Q)`.
    """

    def split(vectors):
        batch, length, dim = ops.shape(vectors)
        shape = (batch, length, num_heads, dim // num_heads)
        return ops.reshape(vectors, shape)

    # Scaled before the product, which could overflow in float16.
    queries = split(queries * (queries.shape[-1] // num_heads) ** -0.5)
    scores = ops.einsum("bphd,bqhd->bhpq", queries, split(keys))
    # A copy, since Keras would hand the softmax's mask on to its losses.
    weights = ops.copy(softmax(scores, mask=mask))
    used = ops.cast(weights, values.dtype)
    if dropout is not None:
        used = dropout(used)
    found = ops.einsum("bhpq,bqhd->bphd", used, split(values))
    batch, length, _, _ = ops.shape(found)
    return ops.reshape(found, (batch, length, values.shape[-1])), weights


def pairs_mask(asking_mask, answering_mask):
    """Which pairs of real positions there are, bool `(B, 1, P, Q)`, or None.

    Args:
        asking_mask: bool or int, `(B, P)`, or None if all are real.
        answering_mask: the same, `(B, Q)`.
    """
    mask = None
    if asking_mask is not None:
        mask = ops.cast(asking_mask, "bool")[:, None, :, None]
    if answering_mask is not None:
        answers = ops.cast(answering_mask, "bool")[:, None, None, :]
        mask = answers if mask is None else mask & answers
    return mask
