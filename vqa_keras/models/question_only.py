import keras

from vqa_keras.models.vqa_backbone import VQABackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class QuestionOnlyBackbone(VQABackbone):
    """Baseline without the image: the question alone.

        fused = question

    It takes the inputs of the other backbones and ignores those of the image,
    so that its accuracy, with the same question encoder and head, is what the
    others reach without their image. It has no regions: `normalize_regions`
    and a `contextualizer` are unknown arguments.

    Args:
        hidden_dim: int, even. Width D of the question and of `fused`. Defaults
            to 1024.
        dropout: float. Fraction of the word embeddings to drop. Defaults to 0.
        **kwargs: passed to `VQABackbone`, which documents the other arguments.

    Attention: none.

    Reference:
        [Antol et al., 2015](https://arxiv.org/abs/1505.00468), "LSTM Q".
    """

    fixed_arguments = ("normalize_regions", "contextualizer")

    def __init__(
        self,
        vocabulary_size,
        regions_dim=4096,
        embedding_dim=200,
        hidden_dim=1024,
        dropout=0.0,
        dtype=None,
        **kwargs,
    ):
        self.refuse([name for name in self.fixed_arguments if kwargs.get(name)])
        sizes = (regions_dim, embedding_dim, hidden_dim, dropout)
        super().__init__(vocabulary_size, *sizes, dtype=dtype, **kwargs)

    def make_region_encoder(self, dtype):
        return keras.layers.Identity(dtype=dtype, name="region_encoder")

    def fuse(self, encoded):
        return encoded.question, {}
