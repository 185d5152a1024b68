import keras
from keras import KerasTensor
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.check_mask import check_mask


@keras.saving.register_keras_serializable(package="vqa_keras")
class AttentionPooling(keras.layers.Layer):
    """Makes one vector of a sequence that scores itself: MCAN's AttFlat.

        h_p      = dropout(relu(W_H x_p + b_H))
        w^g      = softmax_p(w_g . h_p + b_g)               glimpse g of G
        filtered = W_O [sum_p w^1_p x_p; ...; sum_p w^G_p x_p] + b_O

    Softmax cancels the score's bias b_g, so it changes no output and gets no
    gradient; it is there because the paper's model has it.

    Args:
        hidden_dim: int. Width of the scoring network's hidden layer.
        output_dim: int. Width of the result.
        num_glimpses: int. Number of glimpses G. Defaults to 1.
        dropout: float. Share of the hidden layer's units that are dropped in
            training. Defaults to 0.1.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        sequence: words, regions or anything else, `(B, P, D)`.
        sequence_mask: optional bool or int, `(B, P)`, 0 at padding. Defaults to
            the Keras mask attached to `sequence`.

    Returns:
        filtered: `(B, output_dim)`. All zeros where no position is valid.
        weights: `(B, P)`, or `(B, G, P)` with more than one glimpse: 0 at
            padding, summing to 1 over the other positions (all 0 where none is
            valid). float32 also under mixed precision.

    Raises:
        ValueError: if a size is too small or `sequence` is not of rank 3.

    Reference:
        [Yu et al., 2019](https://arxiv.org/abs/1906.10770).
    """

    def __init__(
        self, hidden_dim, output_dim, num_glimpses=1, dropout=0.1, **kwargs
    ):
        super().__init__(**kwargs)
        check_size("hidden_dim", hidden_dim)
        check_size("output_dim", output_dim)
        check_size("num_glimpses", num_glimpses)
        self.supports_masking = True
        self.hidden_dim = hidden_dim
        self.output_dim = output_dim
        self.num_glimpses = num_glimpses
        self.dropout = dropout
        dtype = self.dtype_policy
        self.hidden_dense = keras.layers.Dense(
            hidden_dim, activation="relu", dtype=dtype, name="hidden_dense"
        )
        self.hidden_dropout = keras.layers.Dropout(
            dropout, dtype=dtype, name="hidden_dropout"
        )
        self.score_dense = keras.layers.Dense(
            num_glimpses, dtype=dtype, name="score_dense"
        )
        self.softmax = keras.layers.Softmax(
            dtype=keras.backend.result_type(self.compute_dtype, "float32"),
            name="softmax",
        )
        self.output_dense = keras.layers.Dense(
            output_dim, dtype=dtype, name="output_dense"
        )

    def build(self, sequence_shape):
        if len(sequence_shape) != 3:
            raise ValueError(
                "`sequence` must have shape (batch, positions, features); "
                "flatten a CNN grid first. Received: "
                f"sequence.shape={sequence_shape}"
            )
        batch, num_positions, dim = sequence_shape
        self.hidden_dense.build(sequence_shape)
        self.score_dense.build((batch, num_positions, self.hidden_dim))
        self.output_dense.build((batch, self.num_glimpses * dim))

    def call(self, sequence, sequence_mask=None):
        if sequence_mask is None:  # Keras fills in arguments named `mask` only.
            sequence_mask = getattr(sequence, "_keras_mask", None)
        check_mask("sequence_mask", sequence_mask, sequence)
        hidden = self.hidden_dropout(self.hidden_dense(sequence))
        scores = ops.swapaxes(self.score_dense(hidden), 1, 2)  # (B, G, P)
        if sequence_mask is not None:
            sequence_mask = ops.cast(sequence_mask, "bool")[:, None]
        # A copy, since Keras would hand the softmax's mask on to its losses.
        weights = ops.copy(self.softmax(scores, mask=sequence_mask))
        glimpses = ops.einsum(
            "bgp,bpd->bgd", ops.cast(weights, self.compute_dtype), sequence
        )
        filtered = self.output_dense(
            ops.reshape(glimpses, (-1, self.num_glimpses * sequence.shape[-1]))
        )
        if sequence_mask is not None:
            any_valid = ops.any(sequence_mask, axis=-1)  # (B, 1)
            filtered = ops.where(any_valid, filtered, 0.0)
        if self.num_glimpses == 1:
            weights = ops.squeeze(weights, axis=1)
        return filtered, weights

    def compute_mask(self, sequence, previous_mask):
        return None

    def compute_output_shape(self, sequence_shape):
        batch, num_positions, _ = sequence_shape
        glimpses = (self.num_glimpses,) if self.num_glimpses > 1 else ()
        return (batch, self.output_dim), (batch, *glimpses, num_positions)

    def compute_output_spec(self, sequence, sequence_mask=None):
        filtered, weights = self.compute_output_shape(sequence.shape)
        return (
            KerasTensor(filtered, dtype=self.compute_dtype),
            KerasTensor(weights, dtype=self.softmax.compute_dtype),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_dim": self.hidden_dim,
            "output_dim": self.output_dim,
            "num_glimpses": self.num_glimpses,
            "dropout": self.dropout,
        }
