import keras

from vqa_keras.layers import ChannelAttention
from vqa_keras.layers import ParametricAttention
from vqa_keras.layers import QuestionEncoder
from vqa_keras.layers import RegionEncoder
from vqa_keras.models.vqa import VQA
from vqa_keras.models.vqa_backbone import VQABackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class ChannelBackbone(VQABackbone):
    """The question weighs the channels of the image, then its regions.

        v_i    = W_I f_i + b_I
        beta   = softmax_c(question_c mean_i v_ic)
        v'_i   = D beta v_i
        p      = softmax_i(w_h . tanh(W_V v'_i + W_Q question + b_Q))
        fused  = question + sum_i p_i v'_i

    The projection has no activation and the width of the question, so that a
    channel means the same on both sides. `ChannelAttention` has no weights: the
    parameters are those of `ParametricBackbone`, and so are the default sizes.

    Departure from the article: it describes attention to channels and to
    regions; that the first comes before one hop of the second is our choice.

    Args:
        vocabulary_size: int, the words known, with padding and unknown word.
        regions_dim: int, width C of the region features; not used with an
            image encoder.
        embedding_dim: int, width of a word embedding.
        hidden_dim: int, even: width D of question and regions.
        attention_dim: int, width K of the attention's hidden layer.
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
        `{"fused": (B, D), "attention": {"channels_1": (B, D),
        "hop_1": (B, M)}}`.

    Example:
    ```python
    backbone = ChannelBackbone(vocabulary_size=10000, regions_dim=2048)
    outputs = backbone(
        {"regions": regions, "regions_mask": mask, "token_ids": token_ids}
    )
    outputs["attention"]["channels_1"]  # (B, D)
    ```

    References:
        [Chen et al., 2017](https://arxiv.org/abs/1611.05594).
        [Yang et al., 2016](https://arxiv.org/abs/1511.02274).
    """

    def __init__(
        self,
        vocabulary_size,
        regions_dim=512,
        embedding_dim=500,
        hidden_dim=1024,
        attention_dim=512,
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
        self.channel_attention = ChannelAttention(
            dtype=dtype, name="channel_attention"
        )
        self.parametric_attention = ParametricAttention(
            attention_dim, dtype=dtype, name="parametric_attention"
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
        regions, attention["channels_1"] = self.channel_attention(
            question, regions, regions_mask=regions_mask
        )
        filtered, attention["hop_1"] = self.parametric_attention(
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
            attention_dim=attention_dim,
            dropout=dropout,
            normalize_regions=normalize_regions,
            contextualizer=contextualizer,
            image_encoder=image_encoder,
        )


@keras.saving.register_keras_serializable(package="vqa_keras")
class ChannelVQA(VQA):
    """Visual question answering with attention to channels, then regions.

    `VQA` says what a task takes and does, `ChannelBackbone` what this one
    computes.

    Example:
    ```python
    task = ChannelVQA(
        ChannelBackbone(vocabulary_size=10000, regions_dim=2048),
        num_classes=1000,
    )
    task.compile(optimizer="adam")
    train = vqa_keras.data.load("records", "train", 256, shuffle=True)
    task.fit(train, shuffle=False)  # the data is shuffled
    ```

    References:
        [Chen et al., 2017](https://arxiv.org/abs/1611.05594).
        [Yang et al., 2016](https://arxiv.org/abs/1511.02274).
    """

    backbone_cls = ChannelBackbone
