from keras import ops


def take_positions(sequences, positions):
    """Returns the vectors at the positions of each sequence, `(B, P, D)`.

    It gathers rows of one matrix: on a CPU the gradient is several times faster
    than that of `ops.take_along_axis`.

    Args:
        sequences: `(B, N, D)`.
        positions: int, `(B, P)`, from 0 to N - 1.
    """
    batch, length, dim = ops.shape(sequences)
    # Under float64, Keras's integers are int64 unless given a dtype.
    first = ops.cast(ops.arange(batch) * length, "int32")[:, None]  # (B, 1)
    rows = ops.reshape(sequences, (batch * length, dim))
    return ops.take(rows, first + ops.cast(positions, "int32"), axis=0)
