import keras

from vqa_keras.layers import ProductFusion
from vqa_keras.layers import QuestionEncoder
from vqa_keras.layers import RegionEncoder
from vqa_keras.layers import RegionNormalization
from vqa_keras.layers.masked_mean import masked_mean
from vqa_keras.models.vqa import VQA
from vqa_keras.models.vqa_backbone import VQABackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class VanillaBackbone(VQABackbone):
    """No attention: the question meets the whole image as one vector.

        image = mean_i f_i              over the valid regions
        fused = tanh(W_Q question + b_Q) * tanh(W_I image / |image| + b_I)

    With a contextualizer, which needs regions of the question's width, they are
    projected first: image = mean_i context(W_P f_i + b_P).

    Departures from the paper: its question is all cell and hidden states of a
    two-layer LSTM, read forward, where this is a bidirectional LSTM of
    `hidden_dim / 2` units a direction; its image is the layer fc7 of VGG-19,
    where this is the mean of the grid, or of the boxes, that all other
    backbones attend to. With features of one region, `(B, 1, 4096)`, the image
    is fc7 again. The sizes are those of its released code.

    Args:
        vocabulary_size: int, the words known, with padding and unknown word.
        regions_dim: int, width C of the region features; not used with an
            image encoder.
        embedding_dim: int, width of a word embedding.
        hidden_dim: int, even: width D of the question and of `fused`.
        dropout: float, dropped share of each word embedding and of the image.
        normalize_regions: bool, whether each region's features are scaled to
            unit length before their mean is.
        contextualizer: optional layer that adds context to the projected
            regions; see `VQABackbone`.
        image_encoder: optional Keras model from images to a grid; see
            `VQABackbone`.
        dtype: dtype policy of the computation.

    Inputs:
        regions: region features, `(B, M, C)`; float16 as stored is fine.
        regions_mask: int32, `(B, M)`, 0 at padding.
        images: instead of both, with an image encoder: `(B, H, W, 3)`, 0..255.
        token_ids: int32, `(B, N)`, 0 at padding.

    Outputs:
        `{"fused": (B, D), "attention": {}}`, with a contextualizer its weights,
        if it has any.

    Example:
    ```python
    backbone = VanillaBackbone(vocabulary_size=10000, regions_dim=2048)
    outputs = backbone(
        {"regions": regions, "regions_mask": mask, "token_ids": token_ids}
    )
    outputs["fused"]  # (B, D)
    ```

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
        normalize_regions=False,
        contextualizer=None,
        image_encoder=None,
        dtype=None,
        **kwargs,
    ):
        # === Layers ===
        self.question_encoder = QuestionEncoder(
            vocabulary_size,
            embedding_dim,
            hidden_dim,
            dropout=dropout,
            dtype=dtype,
            name="question_encoder",
        )
        if normalize_regions:
            self.region_normalization = RegionNormalization(
                dtype=dtype, name="region_normalization"
            )
        if contextualizer is not None:
            self.region_encoder = RegionEncoder(
                hidden_dim, dtype=dtype, name="region_encoder"
            )
        self.image_normalization = RegionNormalization(
            dtype=dtype, name="image_normalization"
        )
        self.image_dropout = keras.layers.Dropout(
            dropout, dtype=dtype, name="image_dropout"
        )
        self.fusion = ProductFusion(
            hidden_dim, activation="tanh", dtype=dtype, name="fusion"
        )

        # === Functional model ===
        inputs, regions, regions_mask = self.image_inputs(
            image_encoder, regions_dim, dtype
        )
        inputs["token_ids"] = token_ids = self.question_input()
        question, _, _ = self.question_encoder(token_ids)
        if normalize_regions:
            regions = self.region_normalization(regions)
        if contextualizer is not None:
            regions = self.region_encoder(regions)
        regions, attention = self.contextualize(
            contextualizer, regions, regions_mask
        )
        image = masked_mean(regions, regions_mask)  # (B, C)
        image = self.image_dropout(self.image_normalization(image))
        fused = self.fusion(question, image)
        super().__init__(
            inputs=inputs,
            outputs={"fused": fused, "attention": attention},
            dtype=dtype,
            **kwargs,
        )

        # === Config ===
        self.set_config(
            vocabulary_size=vocabulary_size,
            regions_dim=regions_dim,
            embedding_dim=embedding_dim,
            hidden_dim=hidden_dim,
            dropout=dropout,
            normalize_regions=normalize_regions,
            contextualizer=contextualizer,
            image_encoder=image_encoder,
        )


@keras.saving.register_keras_serializable(package="vqa_keras")
class VanillaVQA(VQA):
    """Visual question answering without attention.

    `VQA` says what a task takes and does, `VanillaBackbone` what this one
    computes. Departure from the paper's released code: the head has a hidden
    layer, where it has a softmax only.

    Example:
    ```python
    task = VanillaVQA(
        VanillaBackbone(vocabulary_size=10000, regions_dim=2048),
        num_classes=1000,
    )
    task.compile(optimizer="adam")
    train = vqa_keras.data.load("records", "train", 256, shuffle=True)
    task.fit(train, shuffle=False)  # the data is shuffled
    ```

    Reference:
        [Antol et al., 2015](https://arxiv.org/abs/1505.00468).
    """

    backbone_cls = VanillaBackbone
