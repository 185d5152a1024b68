import keras


def at_least_float32(dtype):
    """Returns the dtype of sums and scores of a dtype: float32 or float64.

    On JAX Keras computes float64 in float32.
    """
    if keras.config.backend() == "torch":
        # Keras gives float32 for float64 there, in which torch does compute.
        if keras.backend.standardize_dtype(dtype) == "float64":
            return "float64"
    return keras.backend.result_type(dtype, "float32")
