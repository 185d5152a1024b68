"""Reads and attaches the mask that Keras carries along with a tensor.

Keras exports neither function. The attribute `_keras_mask` alone would miss
the masks of JAX's tracers, which hold no attributes.
"""

from keras.src import backend

get_keras_mask = backend.get_keras_mask
set_keras_mask = backend.set_keras_mask
