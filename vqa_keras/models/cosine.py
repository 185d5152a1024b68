import keras

from vqa_keras.layers import CosineAttention
from vqa_keras.layers import QuestionEncoder
from vqa_keras.layers import RegionEncoder
from vqa_keras.models.vqa import VQA
from vqa_keras.models.vqa_backbone import VQABackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class CosineBackbone(VQABackbone):
    """One hop without weights: the question finds regions like itself.

        v_i   = W_I f_i + b_I
        s_i   = v_i . question, or temperature * cosine(v_i, question)
        p     = softmax(s)
        fused = question + sum_i p_i v_i

    The projection has no activation, so that it can turn any direction of the
    features into that of a question. All that is learned is how question and
    regions come into one space; the attention in it is `CosineAttention`. The
    default sizes are those of `StackedBackbone`.

    Args:
        vocabulary_size: int, the words known, with padding and unknown word.
        regions_dim: int, width C of the region features; not used with an
            image encoder.
        embedding_dim: int, width of a word embedding.
        hidden_dim: int, even: width D of question and regions.
        normalize: bool, whether the hop compares by the cosine in place of the
            dot product.
        temperature: float, factor of the cosine; not used without `normalize`.
        dropout: float, dropped share of each word embedding and of the
            projected regions.
        normalize_regions: bool, whether each region's features are scaled to
            unit length.
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
        `{"fused": (B, D), "attention": {"hop_1": (B, M)}}`.

    Example:
    ```python
    backbone = CosineBackbone(vocabulary_size=10000, regions_dim=2048)
    outputs = backbone(
        {"regions": regions, "regions_mask": mask, "token_ids": token_ids}
    )
    outputs["attention"]["hop_1"]  # (B, M)
    ```

    Reference:
        [Luong et al., 2015](https://arxiv.org/abs/1508.04025), the dot score.
    """

    def __init__(
        self,
        vocabulary_size,
        regions_dim=512,
        embedding_dim=500,
        hidden_dim=1024,
        normalize=False,
        temperature=10.0,
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
        self.region_encoder = RegionEncoder(
            hidden_dim,
            activation=None,
            dropout=dropout,
            normalize=normalize_regions,
            dtype=dtype,
            name="region_encoder",
        )
        self.cosine_attention = CosineAttention(
            normalize=normalize,
            temperature=temperature,
            dtype=dtype,
            name="cosine_attention",
        )
        self.fusion = keras.layers.Add(dtype=dtype, name="fusion")

        # === Functional model ===
        inputs, regions, regions_mask = self.image_inputs(
            image_encoder, regions_dim, dtype
        )
        inputs["token_ids"] = token_ids = self.question_input()
        question, _, _ = self.question_encoder(token_ids)
        regions = self.region_encoder(regions)
        regions, attention = self.contextualize(
            contextualizer, regions, regions_mask
        )
        filtered, attention["hop_1"] = self.cosine_attention(
            question, regions, regions_mask=regions_mask
        )
        fused = self.fusion([question, filtered])
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
            normalize=normalize,
            temperature=temperature,
            dropout=dropout,
            normalize_regions=normalize_regions,
            contextualizer=contextualizer,
            image_encoder=image_encoder,
        )


@keras.saving.register_keras_serializable(package="vqa_keras")
class CosineVQA(VQA):
    """Visual question answering with one hop of dot-product attention.

    `VQA` says what a task takes and does, `CosineBackbone` what this one
    computes.

    Example:
    ```python
    task = CosineVQA(
        CosineBackbone(vocabulary_size=10000, regions_dim=2048),
        num_classes=1000,
    )
    task.compile(optimizer="adam")
    train = vqa_keras.data.load("records", "train", 256, shuffle=True)
    task.fit(train, shuffle=False)  # the data is shuffled
    ```

    Reference:
        [Luong et al., 2015](https://arxiv.org/abs/1508.04025), the dot score.
    """

    backbone_cls = CosineBackbone
