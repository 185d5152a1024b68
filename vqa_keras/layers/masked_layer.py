import inspect

import keras
from keras import KerasTensor
from keras import ops

from vqa_keras.layers.keras_mask import get_keras_mask
from vqa_keras.layers.keras_mask import set_keras_mask


class MaskedLayer(keras.layers.Layer):
    """Base class of layers whose inputs may be padded.

    The argument `<name>_mask` of `call` marks the valid positions of the call
    argument `<name>`: bool, int or float, 0 at padding. Floats must be 0 or 1,
    which is not checked in a compiled function (see `check_mask`). Without it,
    the Keras mask attached to `<name>` takes its place, as one from
    `Masking` or `Embedding(mask_zero=True)`. An explicit mask takes precedence:
    the two are not combined.

    An output that keeps the axis of an input with an attached mask carries the
    mask in use. A subclass names these inputs in `keeps`, for each of its
    outputs in flat order; None, or the end of `keeps`, for an output without.

    Padding has no influence on outputs and gradients, even if it is NaN or
    infinite: a subclass calls `zero_padding` on masked inputs before it
    computes, since a factor of 0 does not cancel NaN.
    """

    keeps = ()

    def __call__(self, *args, **kwargs):
        while args and args[-1] is None:  # a mask by position
            args = args[:-1]
        names = list(inspect.signature(self.call).parameters)
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        attached = {}
        for name, tensor in given.items():
            mask_name = f"{name}_mask"
            mask = get_keras_mask(tensor) if mask_name in names else None
            if mask is None:
                continue
            attached[name] = mask
            if given.get(mask_name) is not None:
                attached[name] = given[mask_name]
            elif not isinstance(mask, KerasTensor):
                # Keras does so between several inputs only. A symbolic mask
                # stays out of the graph, in which the real one is attached.
                kwargs[mask_name] = mask
        outputs = super().__call__(*args, **kwargs)
        for name, output in zip(
            self.keeps, keras.tree.flatten(outputs), strict=False
        ):
            if name in attached:
                set_keras_mask(output, ops.cast(attached[name], "bool"))
        return outputs

    def compute_mask(self, inputs, previous_mask):
        """Returns the masks of the outputs that keep the first input's axis."""
        first = next(iter(inspect.signature(self.call).parameters))
        masks = [previous_mask if n == first else None for n in self.keeps]
        return masks[0] if len(masks) == 1 else tuple(masks) or None
