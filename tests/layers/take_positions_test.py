import numpy as np
from keras import ops

from vqa_keras.layers.take_positions import take_positions


def test_takes_what_indexing_takes():
    rng = np.random.default_rng(0)
    sequences = rng.normal(size=(3, 4, 5)).astype("float32")
    positions = rng.integers(0, 4, (3, 6)).astype("int32")
    found = ops.convert_to_numpy(take_positions(sequences, positions))
    for b in range(3):
        np.testing.assert_array_equal(found[b], sequences[b, positions[b]])
