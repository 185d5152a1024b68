import keras
from keras import KerasTensor
from keras import ops

from vqa_keras.layers.at_least_float32 import at_least_float32
from vqa_keras.layers.masked_layer import MaskedLayer


class AttentionLayer(MaskedLayer):
    """Base class of the layers that return `(outputs, weights)`.

    Weights are computed and returned in float32, also under mixed precision
    (float64 stays), outputs in the layer's compute dtype. A subclass declares
    the shapes of both in `compute_output_shape`, from those of its call
    arguments; either may be nested.

    Products of inputs, as in scores, are computed in `weights_dtype` too: in
    float16 they overflow. `cast_finite` returns one that is an output to the
    compute dtype. Masks are those of `MaskedLayer`; `softmax` takes them.

    Example:
    ```python
    from vqa_keras.layers.attention_layer import AttentionLayer
    from vqa_keras.layers.zero_padding import zero_padding

    class DotAttention(AttentionLayer):
        def call(self, question, regions, regions_mask=None):
            regions = zero_padding(regions, regions_mask, "regions_mask")
            scores = keras.ops.einsum("bd,bmd->bm", question, regions)
            weights = self.softmax(scores, regions_mask)
            return self.weighted_sum("bm,bmd->bd", weights, regions), weights

        def compute_output_shape(self, question_shape, regions_shape):
            return question_shape, regions_shape[:2]

    question = keras.random.normal((2, 64))
    regions = keras.random.normal((2, 49, 64))
    filtered, weights = DotAttention()(question, regions)
    print(filtered.shape, weights.shape)  # (2, 64) (2, 49)
    ```
    """

    @property
    def weights_dtype(self):
        return at_least_float32(self.compute_dtype)

    def softmax(self, scores, mask=None):
        """Returns attention weights: the softmax of the scores' last axis.

        Args:
            scores: `(..., P)`, of any float dtype.
            mask: optional bool or int that broadcasts to `scores`, 0 at
                padding. Padding gets the weight 0, and so does every position
                of a row without a valid one.

        Returns:
            float32 (float64 stays), of the shape of `scores`.
        """
        scores = ops.cast(scores, self.weights_dtype)
        if mask is None:
            return _softmax(scores)
        mask = ops.cast(mask, "bool")
        # Not -inf, which gives NaN gradients in a row of padding only.
        weights = _softmax(ops.where(mask, scores, -1e30))
        return ops.where(mask, weights, 0.0)

    def weighted_sum(self, equation, weights, vectors):
        """Returns the einsum of weights and vectors in the vectors' dtype."""
        return ops.einsum(equation, ops.cast(weights, vectors.dtype), vectors)

    def check_rank(self, name, shape, *axes):
        """Raises ValueError unless `shape` has as many axes as are named.

        Args:
            name: str. Name of the call argument.
            shape: tuple.
            *axes: str. Names of the axes, such as "batch", "regions",
                "features".
        """
        if len(shape) == len(axes):
            return
        flatten = "; flatten a CNN grid first" if "regions" in axes else ""
        raise ValueError(
            f"`{name}` must have shape ({', '.join(axes)}){flatten}. "
            f"Received: {name}.shape={tuple(shape)}"
        )

    def compute_output_spec(self, *args, **kwargs):
        outputs, weights = super().compute_output_spec(*args, **kwargs)
        weights = keras.tree.map_structure(
            lambda spec: KerasTensor(spec.shape, dtype=self.weights_dtype),
            weights,
        )
        return outputs, weights


def _softmax(scores):
    # Keras warns of a softmax over one score: an image may have one region.
    if scores.shape[-1] == 1:
        return ops.exp(scores - scores)
    return ops.softmax(scores)
