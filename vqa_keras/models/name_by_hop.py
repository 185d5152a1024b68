def name_by_hop(words_weights, regions_weights, num_hops):
    """Returns `words_j` (B, N) and `regions_j` (B, M) from weights of all hops.

    Args:
        words_weights: `(B, H, N)`.
        regions_weights: `(B, H, M)`.
        num_hops: int. Number of hops H.
    """
    attention = {}
    for j in range(num_hops):
        attention[f"words_{j + 1}"] = words_weights[:, j]
        attention[f"regions_{j + 1}"] = regions_weights[:, j]
    return attention
