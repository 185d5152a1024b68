import numpy as np
import pytest
from keras import ops

from vqa_keras.layers.zero_padding import zero_padding


def test_even_infinite_padding_becomes_zero():
    sequence = np.array([[[1.0, 2.0], [np.inf, np.nan]]], "float16")
    zeroed = zero_padding(
        ops.convert_to_tensor(sequence), ops.convert_to_tensor([[1, 0]])
    )
    np.testing.assert_array_equal(
        ops.convert_to_numpy(zeroed), np.array([[[1, 2], [0, 0]]], "float16")
    )


def test_without_a_mask_nothing_changes():
    sequence = np.ones((1, 2, 3))
    assert zero_padding(sequence) is sequence


@pytest.mark.parametrize("shape", [(2, 4), (2, 1), (2,), (2, 3, 1)])
def test_rejects_a_mask_of_another_shape(shape):
    with pytest.raises(ValueError, match=r"\(2, 3\). Received: mask.shape=\("):
        zero_padding(np.ones((2, 3, 5)), np.ones(shape))
