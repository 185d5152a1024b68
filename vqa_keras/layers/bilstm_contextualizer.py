import keras
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.masked_layer import MaskedLayer
from vqa_keras.layers.take_positions import take_positions
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class BiLSTMContextualizer(MaskedLayer):
    """Adds context to the regions by bidirectional LSTMs over their sequence.

    A grid is a sequence row by row, its cell (row, column) at
    i = row * width + column:

        forward_i  = LSTM_f(v_1, ..., v_i)
        backward_i = LSTM_b(v_M, ..., v_i)
        v'_i       = [forward_i; backward_i]

    With `sum_directions`, v'_i = forward_i + backward_i; with `residual`, v_i
    is added to either. Each further layer takes the output of the last.

    Padding may lie anywhere: both LSTMs process the valid regions first, so
    padding reaches no state in use, and the LSTMs need no mask.

    Args:
        num_layers: int. Number of bidirectional LSTMs. Defaults to 1.
        sum_directions: bool. Whether to add the two directions, of D units
            each, instead of concatenating them, of D / 2 units each. Defaults
            to `False`.
        residual: bool. Whether to add each layer's input to its output.
            Defaults to `False`.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        regions: region embeddings, `(B, M, D)`.
        regions_mask: optional bool or int, `(B, M)`, 0 at padding. Defaults to
            the Keras mask attached to `regions`.

    Returns:
        regions: `(B, M, D)`, zeros at padding.

    Raises:
        ValueError: if `num_layers < 1`, `regions` is not of rank 3, D is odd
            and the directions are concatenated, or the mask has another shape.

    Departure from the paper: it has a bidirectional recurrent network over the
    regions and no released code. The LSTM, both ways to merge the directions,
    further layers and the residual are ours.

    Example:
    ```python
    regions = keras.random.normal((2, 49, 64))
    contextualizer = vqa_keras.layers.BiLSTMContextualizer()
    print(contextualizer(regions).shape)  # (2, 49, 64)
    ```

    Reference:
        [Yu et al., 2017](https://doi.org/10.1109/CVPR.2017.446).
    """

    keeps = ("regions",)

    def __init__(
        self, num_layers=1, sum_directions=False, residual=False, **kwargs
    ):
        super().__init__(**kwargs)
        check_size("num_layers", num_layers)
        self.num_layers = num_layers
        self.sum_directions = sum_directions
        self.residual = residual

    def build(self, regions_shape):
        if len(regions_shape) != 3:
            raise ValueError(
                "`regions` must have shape (batch, regions, features); flatten "
                f"a CNN grid first. Received: regions.shape={regions_shape}"
            )
        dim = regions_shape[-1]
        if dim % 2 and not self.sum_directions:
            raise ValueError(
                "The width of `regions` must be even, half for each direction, "
                "unless `sum_directions` is set. Received: "
                f"regions.shape={regions_shape}"
            )
        self.forward_lstms, self.backward_lstms = (
            [
                keras.layers.LSTM(
                    dim if self.sum_directions else dim // 2,
                    return_sequences=True,
                    dtype=self.dtype_policy,
                    name=f"{direction}_lstm_{layer + 1}",
                )
                for layer in range(self.num_layers)
            ]
            for direction in ("forward", "backward")
        )
        for lstm in self.forward_lstms + self.backward_lstms:
            lstm.build(regions_shape)

    def call(self, regions, regions_mask=None):
        regions = zero_padding(regions, regions_mask, "regions_mask")
        if regions_mask is None:
            regions_mask = ops.ones(ops.shape(regions)[:2], "int32")
        forward_place, backward_place = _places(regions_mask)  # (B, M)
        for forward_lstm, backward_lstm in zip(
            self.forward_lstms, self.backward_lstms, strict=True
        ):
            forward = _run_in_order(forward_lstm, regions, forward_place)
            backward = _run_in_order(backward_lstm, regions, backward_place)
            if self.sum_directions:
                context = forward + backward  # (B, M, D)
            else:
                context = ops.concatenate([forward, backward], axis=-1)
            regions = regions + context if self.residual else context
        return zero_padding(regions, regions_mask)

    def compute_output_shape(self, regions_shape):
        return regions_shape

    def get_config(self):
        return {
            **super().get_config(),
            "num_layers": self.num_layers,
            "sum_directions": self.sum_directions,
            "residual": self.residual,
        }


def _places(regions_mask):
    """Returns each region's place in the forward and the backward order.

    Padding comes last: for the mask 1 1 0 1 they are 0 1 3 2 and 2 1 3 0.
    """
    is_valid = ops.cast(regions_mask, "bool")
    valid = ops.cast(is_valid, "int32")
    length = ops.sum(valid, axis=1, keepdims=True)
    nth = ops.cumsum(valid, axis=1)  # from 1 at the first valid region
    padding = length + ops.cumsum(1 - valid, axis=1) - 1
    return (
        ops.where(is_valid, nth - 1, padding),
        ops.where(is_valid, length - nth, padding),
    )


def _run_in_order(lstm, regions, place):
    """Runs an LSTM over the regions in the order of their places."""
    outputs = lstm(take_positions(regions, ops.argsort(place, axis=1)))
    return take_positions(outputs, place)
