import keras
from keras import KerasTensor
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.check_mask import check_mask


@keras.saving.register_keras_serializable(package="vqa_keras")
class ConceptDetector(keras.layers.Layer):
    """Finds out which of a list of concepts an image shows, and names them.

    An image shows a concept if one of its regions does:

        prob_c = max_i sigmoid(w_c . v_i + b_c)       over the valid regions

    Nothing tells which concepts are in the picture, nor what they are: the
    detector and the embedding of each concept are trained with the answers,
    and what a concept stands for is what helps to answer. `SemanticAttention`
    takes both.

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
        probabilities: `(B, C)`, 0 without a valid region. float32 also under
            mixed precision.

    Raises:
        ValueError: if `num_concepts < 1` or `embedding_dim < 1`, `regions` is
            not of rank 3, or the mask has another shape.

    Departure from the paper: its concepts are predicted by a CNN that was
    trained to. The records hold no concepts to train on.

    References:
        [Yu et al., 2017](https://doi.org/10.1109/CVPR.2017.446).
        [Fang et al., 2015](https://arxiv.org/abs/1411.4952), words of captions
        by multiple-instance learning (theirs is a noisy-or, not a maximum).
    """

    def __init__(self, num_concepts, embedding_dim, **kwargs):
        super().__init__(**kwargs)
        check_size("num_concepts", num_concepts)
        check_size("embedding_dim", embedding_dim)
        self.supports_masking = True
        self.num_concepts = num_concepts
        self.embedding_dim = embedding_dim
        self.regions_dense = keras.layers.Dense(
            num_concepts, dtype=self.dtype_policy, name="regions_dense"
        )

    def build(self, regions_shape):
        if len(regions_shape) != 3:
            raise ValueError(
                "`regions` must have shape (batch, regions, features); flatten "
                f"a CNN grid first. Received: regions.shape={regions_shape}"
            )
        self.regions_dense.build(regions_shape)
        self.embeddings = self.add_weight(
            shape=(self.num_concepts, self.embedding_dim),
            # As wide as the words' in `QuestionEncoder`.
            initializer=keras.initializers.RandomUniform(-0.5, 0.5),
            name="embeddings",
        )

    def call(self, regions, regions_mask=None):
        if regions_mask is None:
            # Keras hands on masks by name only between several inputs.
            regions_mask = getattr(regions, "_keras_mask", None)
        check_mask("regions_mask", regions_mask, regions)
        scores = self.regions_dense(regions)  # (B, M, C)
        found = ops.sigmoid(ops.cast(scores, self._weights_dtype))
        if regions_mask is not None:
            is_valid = ops.expand_dims(ops.cast(regions_mask, "bool"), axis=-1)
            found = ops.where(is_valid, found, 0.0)
        concepts = ops.broadcast_to(
            ops.cast(self.embeddings, self.compute_dtype),
            (ops.shape(regions)[0], *self.embeddings.shape),
        )
        return concepts, ops.max(found, axis=1)

    def compute_mask(self, regions, previous_mask):
        return None

    @property
    def _weights_dtype(self):
        return keras.backend.result_type(self.compute_dtype, "float32")

    def compute_output_shape(self, regions_shape):
        batch = regions_shape[0]
        return (
            (batch, self.num_concepts, self.embedding_dim),
            (batch, self.num_concepts),
        )

    def compute_output_spec(self, regions, regions_mask=None):
        concepts, probabilities = self.compute_output_shape(regions.shape)
        return (
            KerasTensor(concepts, dtype=self.compute_dtype),
            KerasTensor(probabilities, dtype=self._weights_dtype),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "num_concepts": self.num_concepts,
            "embedding_dim": self.embedding_dim,
        }
