"""Refuses models whose weights are not finite."""

import keras
from keras import ops

from vqa_keras.errors import UserError


def check_finite_weights(model, source):
    """Raises UserError if a weight of a model is NaN or infinite.

    Args:
        model: `keras.Model`; its frozen weights and statistics count too.
        source: what the message calls the model, such as its folder.
    """
    for weight in model.weights:
        dtype = keras.backend.standardize_dtype(weight.dtype)
        if keras.backend.is_float_dtype(dtype) and not bool(
            ops.convert_to_numpy(ops.all(ops.isfinite(weight.value)))
        ):
            raise UserError(
                f"The weights of {source} must be finite. Received: "
                f"{weight.path} with NaN or infinity; train again, with a "
                "lower learning rate"
            )
