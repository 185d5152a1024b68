import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.layers.cast_finite import cast_finite

VALUES = np.array([1.5, -1e6, 1e6, np.inf, -np.inf, np.nan], "float32")


def test_beyond_float16_is_its_largest_number_but_infinity_stays():
    cast = cast_finite(ops.convert_to_tensor(VALUES), "float16")
    assert keras.backend.standardize_dtype(cast.dtype) == "float16"
    np.testing.assert_array_equal(
        ops.convert_to_numpy(cast),
        np.array([1.5, -65504, 65504, np.inf, -np.inf, np.nan], "float16"),
    )


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_another_dtype_is_only_cast(dtype):
    tensor = ops.convert_to_tensor(VALUES)
    cast = cast_finite(tensor, dtype)
    assert keras.backend.standardize_dtype(cast.dtype) == dtype
    np.testing.assert_array_equal(
        ops.convert_to_numpy(ops.cast(cast, "float32")),
        ops.convert_to_numpy(ops.cast(ops.cast(tensor, dtype), "float32")),
    )
