import keras


def at_least_float32(dtype):
    """Returns the dtype of sums and scores of a dtype: float32 or float64.

    On JAX Keras computes float64 in float32.
    """
    dtype = keras.backend.standardize_dtype(dtype)
    if dtype == "float64" and keras.config.backend() == "torch":
        return dtype  # Keras gives float32, though torch computes in float64.
    return keras.backend.result_type(dtype, "float32")
