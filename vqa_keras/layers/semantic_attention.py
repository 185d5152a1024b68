import keras
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.attention_layer import AttentionLayer
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class SemanticAttention(AttentionLayer):
    """Attends over detected concepts by relevance times probability.

    A concept c is a word such as "dog", with an embedding e_c and the
    probability prob_c that the image shows it, from a detector. Its relevance
    to the question, exp(s_c), is multiplied by the probability before the
    weights are normalized:

        g_c      = tanh(W_E e_c + b_E)
        s_c      = w_h . tanh(W_C g_c + W_Q v_Q + b_Q)
        p_c      = softmax_c(s_c + log(prob_c + 1e-7))
        filtered = sum_c p_c g_c

    A relevant but absent concept thus weighs as little as a present but
    irrelevant one. Without the 1e-7, which keeps the gradient finite, p_c is
    prob_c exp(s_c) / sum_c' prob_c' exp(s_c').

    Args:
        attention_dim: int. Width K of the hidden layer.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        question: question embedding, `(B, D_Q)`.
        concepts: embeddings of the concepts, `(B, C, D)`.
        probabilities: `(B, C)`, each from 0 to 1; they need not sum to 1.
        concepts_mask: optional bool or int, `(B, C)`, 0 at padding. Defaults to
            the Keras mask attached to `concepts`.

    Returns:
        filtered: `(B, D)`, the mean of the g_c under `weights`.
        weights: float32, `(B, C)`, 0 at padding and where the probability is
            0, summing to 1 over the other concepts. An image without any gets
            all-zero weights and `filtered`.

    Raises:
        ValueError: if `attention_dim < 1`, `question` is not of rank 2,
            `concepts` not of rank 3, or `probabilities` or the mask is of
            another number of concepts.

    Departure from the paper: the term of the probabilities in the scores is
    ours; there is no released code to compare with.

    Example:
    ```python
    question = keras.random.normal((2, 64))
    concepts = keras.random.normal((2, 256, 32))
    probabilities = keras.random.uniform((2, 256))
    layer = vqa_keras.layers.SemanticAttention(attention_dim=32)
    filtered, weights = layer(question, concepts, probabilities)
    print(filtered.shape, weights.shape)  # (2, 32) (2, 256)
    ```

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

    def build(self, question_shape, concepts_shape, probabilities_shape):
        self.check_rank("question", question_shape, "batch", "features")
        self.check_rank(
            "concepts", concepts_shape, "batch", "concepts", "features"
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
        concepts = zero_padding(concepts, concepts_mask, "concepts_mask")
        # Padding becomes a concept of probability 0, as absent concepts are.
        probabilities = zero_padding(probabilities[..., None], concepts_mask)
        probabilities = ops.cast(
            probabilities[..., 0], self.weights_dtype
        )  # (B, C)

        question = self.question_dense(question)[:, None]  # (B, 1, K)
        concepts = self.embedding_dense(concepts)  # (B, C, D)
        hidden = ops.tanh(self.concepts_dense(concepts) + question)  # (B, C, K)
        scores = self.score_dense(hidden)[..., 0]
        scores = ops.cast(scores, self.weights_dtype)
        scores = scores + ops.log(probabilities + 1e-7)  # (B, C)
        weights = self.softmax(scores, probabilities > 0)
        filtered = self.weighted_sum("bc,bcd->bd", weights, concepts)
        return filtered, weights

    def compute_output_shape(
        self, question_shape, concepts_shape, probabilities_shape
    ):
        batch, num_concepts, dim = concepts_shape
        return (batch, dim), (batch, num_concepts)

    def get_config(self):
        return {**super().get_config(), "attention_dim": self.attention_dim}
