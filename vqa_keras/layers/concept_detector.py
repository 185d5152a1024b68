import keras
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.attention_layer import AttentionLayer
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class ConceptDetector(AttentionLayer):
    """Computes the probabilities and the embeddings of concepts in an image.

    The probability of a concept is its maximum over the valid regions:

        prob_c = max_i sigmoid(w_c . v_i + b_c)

    There are no labels of concepts: the detector and the embeddings are trained
    on the answers alone, which give each concept its meaning.
    `SemanticAttention` takes both outputs.

    Args:
        num_concepts: int. Number of concepts C.
        embedding_dim: int. Width E of a concept's embedding.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        regions: region embeddings, `(B, M, D)`.
        regions_mask: optional bool or int, `(B, M)`, 0 at padding. Defaults to
            the Keras mask attached to `regions`.

    Returns:
        concepts: `(B, C, E)`, the embeddings, the same for every image.
        probabilities: float32 also under mixed precision, `(B, C)`, 0 without
            a valid region.

    Raises:
        ValueError: if `num_concepts < 1` or `embedding_dim < 1`, `regions` is
            not of rank 3, or the mask has another shape.

    Departure from the paper: there a CNN trained on labeled concepts predicts
    the probabilities. The records hold no such labels.

    Example:
    ```python
    regions = keras.random.normal((2, 49, 64))
    detector = vqa_keras.layers.ConceptDetector(
        num_concepts=256, embedding_dim=32
    )
    concepts, probabilities = detector(regions)
    print(concepts.shape, probabilities.shape)  # (2, 256, 32) (2, 256)
    ```

    References:
        [Yu et al., 2017](https://doi.org/10.1109/CVPR.2017.446).
        [Fang et al., 2015](https://arxiv.org/abs/1411.4952), words of captions
        by multiple-instance learning (theirs is a noisy-or, not a maximum).
    """

    def __init__(self, num_concepts, embedding_dim, **kwargs):
        super().__init__(**kwargs)
        check_size("num_concepts", num_concepts)
        check_size("embedding_dim", embedding_dim)
        self.num_concepts = num_concepts
        self.embedding_dim = embedding_dim
        self.regions_dense = keras.layers.Dense(
            num_concepts, dtype=self.dtype_policy, name="regions_dense"
        )

    def build(self, regions_shape):
        self.check_rank(
            "regions", regions_shape, "batch", "regions", "features"
        )
        self.regions_dense.build(regions_shape)
        self.embeddings = self.add_weight(
            shape=(self.num_concepts, self.embedding_dim),
            # The range of the word embeddings in `QuestionEncoder`.
            initializer=keras.initializers.RandomUniform(-0.5, 0.5),
            name="embeddings",
        )

    def call(self, regions, regions_mask=None):
        regions = zero_padding(regions, regions_mask, "regions_mask")
        scores = self.regions_dense(regions)  # (B, M, C)
        probabilities = ops.sigmoid(ops.cast(scores, self.weights_dtype))
        # At padding they are sigmoid(b_c), which could be the maximum.
        probabilities = zero_padding(probabilities, regions_mask)  # (B, M, C)
        concepts = ops.broadcast_to(
            ops.cast(self.embeddings, self.compute_dtype),
            (ops.shape(regions)[0], *self.embeddings.shape),
        )  # (B, C, E)
        return concepts, ops.max(probabilities, axis=1)  # (B, C)

    def compute_output_shape(self, regions_shape):
        batch = regions_shape[0]
        return (
            (batch, self.num_concepts, self.embedding_dim),
            (batch, self.num_concepts),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "num_concepts": self.num_concepts,
            "embedding_dim": self.embedding_dim,
        }
