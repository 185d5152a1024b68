import keras
from keras import KerasTensor
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.check_mask import check_mask


@keras.saving.register_keras_serializable(package="vqa_keras")
class SemanticAttention(keras.layers.Layer):
    """The question picks, of what the image seems to show, what it asks about.

    A concept c is a word such as "dog", with an embedding e_c and the
    probability prob_c that a detector found it in the image:

        g_c      = tanh(W_E e_c + b_E)
        s_c      = w_h . tanh(W_C g_c + W_Q v_Q + b_Q)
        p_c      = softmax_c(s_c + log(prob_c + 1e-7))
        filtered = sum_c p_c g_c

    Adding the logarithm multiplies relevance by presence before the weights
    are normalized: relevant but absent counts as little as present but
    irrelevant. Without the 1e-7, which keeps the gradient finite, p_c is
    prob_c exp(s_c) / sum_c' prob_c' exp(s_c').

    Args:
        attention_dim: int. Width K of the space where question and concept
            meet.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        question: question embedding, `(B, D_Q)`.
        concepts: embeddings of the concepts, `(B, C, D)`.
        probabilities: `(B, C)`, each from 0 to 1; they need not sum to 1.
        concepts_mask: optional bool or int, `(B, C)`, 0 at padding. Defaults to
            the Keras mask attached to `concepts`.

    Returns:
        filtered: `(B, D)`, the mean of the g_c by attention weight.
        weights: `(B, C)`, 0 at padding and where the probability is 0, summing
            to 1 over the other concepts. An image without any gets all-zero
            weights and `filtered`. Softmax and weights are float32 also under
            mixed precision.

    Raises:
        ValueError: if `attention_dim < 1`, `question` is not of rank 2 or
            `concepts` not of rank 3, or `probabilities` or the mask is of
            another number of concepts.

    Departure from the paper: how the probabilities enter the scores is ours;
    there is no released code to compare with.

    Reference:
        [Yu et al., 2017](https://doi.org/10.1109/CVPR.2017.446).
    """

    def __init__(self, attention_dim, **kwargs):
        super().__init__(**kwargs)
        check_size("attention_dim", attention_dim)
        self.attention_dim = attention_dim
        dtype = self.dtype_policy
        self.question_dense = keras.layers.Dense(
            attention_dim, dtype=dtype, name="question_dense"
        )
        self.concepts_dense = keras.layers.Dense(
            attention_dim, use_bias=False, dtype=dtype, name="concepts_dense"
        )
        self.score_dense = keras.layers.Dense(
            1, use_bias=False, dtype=dtype, name="score_dense"
        )
        self.softmax = keras.layers.Softmax(
            dtype=keras.backend.result_type(self.compute_dtype, "float32"),
            name="softmax",
        )

    def build(self, question_shape, concepts_shape, probabilities_shape):
        if len(question_shape) != 2:
            raise ValueError(
                "`question` must have shape (batch, features). "
                f"Received: question.shape={question_shape}"
            )
        if len(concepts_shape) != 3:
            raise ValueError(
                "`concepts` must have shape (batch, concepts, features). "
                f"Received: concepts.shape={concepts_shape}"
            )
        if tuple(probabilities_shape[1:]) != (concepts_shape[1],):
            raise ValueError(
                "`probabilities` must have shape (batch, concepts), one for "
                "each of `concepts`. Received: probabilities.shape="
                f"{probabilities_shape}, concepts.shape={concepts_shape}"
            )
        self.embedding_dense = keras.layers.Dense(
            concepts_shape[-1],
            activation="tanh",
            dtype=self.dtype_policy,
            name="embedding_dense",
        )
        self.question_dense.build(question_shape)
        self.embedding_dense.build(concepts_shape)
        self.concepts_dense.build(concepts_shape)
        self.score_dense.build((*concepts_shape[:-1], self.attention_dim))

    def call(self, question, concepts, probabilities, concepts_mask=None):
        check_mask("concepts_mask", concepts_mask, concepts)
        question = ops.expand_dims(self.question_dense(question), axis=1)
        concepts = self.embedding_dense(concepts)  # (B, C, D)
        hidden = ops.tanh(self.concepts_dense(concepts) + question)
        scores = ops.squeeze(self.score_dense(hidden), axis=-1)  # (B, C)

        present = ops.cast(probabilities, self.softmax.compute_dtype)
        scores = ops.cast(scores, self.softmax.compute_dtype)
        scores = scores + ops.log(present + 1e-7)
        mask = present > 0
        if concepts_mask is not None:
            mask = mask & ops.cast(concepts_mask, "bool")
        # A copy, since Keras would hand the softmax's mask on to its losses.
        weights = ops.copy(self.softmax(scores, mask=mask))
        filtered = ops.einsum(
            "bc,bcd->bd", ops.cast(weights, self.compute_dtype), concepts
        )
        return filtered, weights

    def compute_output_shape(
        self, question_shape, concepts_shape, probabilities_shape
    ):
        batch, num_concepts, dim = concepts_shape
        return (batch, dim), (batch, num_concepts)

    def compute_output_spec(
        self, question, concepts, probabilities, concepts_mask=None
    ):
        filtered, weights = self.compute_output_shape(
            question.shape, concepts.shape, probabilities.shape
        )
        return (
            KerasTensor(filtered, dtype=self.compute_dtype),
            KerasTensor(weights, dtype=self.softmax.compute_dtype),
        )

    def get_config(self):
        return {**super().get_config(), "attention_dim": self.attention_dim}
