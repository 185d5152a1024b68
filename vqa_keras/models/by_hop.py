def by_hop(words_weights, regions_weights, num_hops):
    """Returns the weights of hops, (B, H, N) and (B, H, M), by their names."""
    attention = {}
    for j in range(num_hops):
        attention[f"words_{j + 1}"] = words_weights[:, j]
        attention[f"regions_{j + 1}"] = regions_weights[:, j]
    return attention
