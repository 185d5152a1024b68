import keras

from vqa_keras.layers import ProductFusion
from vqa_keras.layers import RegionEncoder
from vqa_keras.layers import RegionNormalization
from vqa_keras.layers.masked_mean import masked_mean
from vqa_keras.models.vqa_backbone import VQABackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class VanillaBackbone(VQABackbone):
    """No attention: multiplies the question by the mean region.

        image = mean_i f_i              over the valid regions
        fused = tanh(W_Q question + b_Q) * tanh(W_I image / |image| + b_I)

    Without `normalize_image`, the image is not divided by its length.

    A contextualizer needs regions of the question's width; with one, they are
    projected first: image = mean_i context(W_P f_i + b_P).

    Departures from the paper: its question is all cell and hidden states of a
    two-layer forward LSTM; its image is the layer fc7 of VGG-19, which one
    region, `(B, 1, 4096)`, gives here. Its released code, whose sizes these
    are, has no hidden layer in the head: `VQA(backbone, hidden_dim=None)`.

    Args:
        hidden_dim: int, even. Width D of the question and of `fused`. Defaults
            to 1024.
        dropout: float. Fraction of the word embeddings and of the image to
            drop. Defaults to 0.
        normalize_regions: bool. Whether each region's features are scaled to
            unit length before their mean. Defaults to `False`.
        normalize_image: bool. Whether the mean is scaled to unit length, as in
            the paper. Defaults to `True`. On photographs (DAQUAR, 7 x 7 x 1280
            features of a pretrained CNN) the accuracy was 19.34 % with it and
            22.95 % without.
        **kwargs: passed to `VQABackbone`, which documents the other arguments.

    Attention: none, except that of a contextualizer.

    Reference:
        [Antol et al., 2015](https://arxiv.org/abs/1505.00468).
    """

    def __init__(
        self,
        vocabulary_size,
        regions_dim=4096,
        embedding_dim=200,
        hidden_dim=1024,
        dropout=0.0,
        normalize_image=True,
        dtype=None,
        **kwargs,
    ):
        self.normalize_image = normalize_image
        self.image_normalization = RegionNormalization(
            dtype=dtype, name="image_normalization"
        )
        self.image_dropout = keras.layers.Dropout(
            dropout, dtype=dtype, name="image_dropout"
        )
        self.fusion = ProductFusion(hidden_dim, dtype=dtype, name="fusion")
        sizes = (regions_dim, embedding_dim, hidden_dim, dropout)
        super().__init__(vocabulary_size, *sizes, dtype=dtype, **kwargs)

    def make_region_encoder(self, dtype):
        if self.contextualizer is not None:
            return RegionEncoder(
                self.hidden_dim,
                normalize=self.normalize_regions,
                dtype=dtype,
                name="region_encoder",
            )
        if self.normalize_regions:
            return RegionNormalization(dtype=dtype, name="region_encoder")
        return keras.layers.Identity(dtype=dtype, name="region_encoder")

    def fuse(self, encoded):
        image = masked_mean(encoded.regions, encoded.regions_mask)  # (B, C)
        if self.normalize_image:
            image = self.image_normalization(image)
        return self.fusion(encoded.question, self.image_dropout(image)), {}
