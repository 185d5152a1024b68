import numpy as np
import pytest
from keras import ops

from vqa_keras.layers.masked_mean import masked_mean

MASK = np.array([[1, 1, 0], [0, 0, 0], [1, 1, 1]])


@pytest.mark.parametrize("dtype", ["bool", "int32"])
def test_divides_by_the_number_of_valid_vectors(dtype):
    sequence = np.arange(18, dtype="float32").reshape(3, 3, 2)
    sequence[MASK == 0] = 1e3
    mean = masked_mean(ops.convert_to_tensor(sequence), MASK.astype(dtype))
    expected = [[1, 2], [0, 0], [14, 15]]
    np.testing.assert_allclose(ops.convert_to_numpy(mean), expected, rtol=1e-6)


@pytest.mark.parametrize("mask", [None, np.ones((1, 400), "int32")])
def test_a_long_sequence_does_not_overflow_float16(mask):
    vectors = ops.full((1, 400, 2), 1000.0, dtype="float16")
    mean = ops.convert_to_numpy(masked_mean(vectors, mask))
    assert mean.dtype == "float32"
    np.testing.assert_allclose(mean, 1000, rtol=1e-6)


def test_rejects_a_mask_of_another_shape():
    with pytest.raises(ValueError, match=r"here \(3, 3\).*Received: .*\(3, 2"):
        masked_mean(ops.ones((3, 3, 2)), MASK[:, :2])
