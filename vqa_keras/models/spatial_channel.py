import keras
from keras import ops

from vqa_keras.layers import QuestionEncoder
from vqa_keras.layers import RegionEncoder
from vqa_keras.layers import RegionNormalization
from vqa_keras.layers import SpatialChannelAttention
from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.masked_mean import masked_mean
from vqa_keras.models.vqa import VQA
from vqa_keras.models.vqa_backbone import VQABackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class SpatialChannelBackbone(VQABackbone):
    """SCA-CNN: attention to channels and places between a CNN's layers.

        X_1       = relu(W_I f + b_I)
        X'_l      = SpatialChannelAttention_l(question, X_l)       l = 1 .. L
        X_{l+1}   = relu(X_l + W_l X'_l + b_l)                     l < L
        image     = unit(mean_i X'_L,i)
        fused     = question + W_F image

    As in the paper's ResNet, each attention but the last weighs the map inside
    a residual stage, so what it keeps changes what the next one sees. The stage
    is a 1 x 1 convolution: regions keep their own place, and boxes with a mask
    work as well as a grid. The last map is averaged and scaled to unit length.

    Departures from the paper: it captions images and attends with the state of
    its LSTM, where we have the question. Its stages are the last ones of the
    CNN itself, trained with it; ours come after the features. Its LSTM reads
    the image through an input matrix; here W_F, without bias, brings the image
    beside the question, where a vector of length 1 would be lost. An image with
    no valid region gives the question itself. The sizes of words, LSTM and
    attention are those of the released code.

    Args:
        vocabulary_size: int, the words known, with padding and unknown word.
        regions_dim: int, width C of the region features; not used with an
            image encoder.
        embedding_dim: int, width of a word embedding.
        hidden_dim: int, even: width D of question and regions.
        attention_dim: int, width K of the attentions' hidden layers.
        num_layers: int, how many maps L are attended to.
        channel_first: bool, whether the channels are weighted before the
            places, or after.
        dropout: float, dropped share of each word embedding and of the
            projected regions.
        normalize_regions: bool, whether each region's features are scaled to
            unit length.
        contextualizer: optional layer that adds context to the projected
            regions; see `VQABackbone`.
        image_encoder: optional Keras model from images to a grid; see
            `VQABackbone`.
        dtype: dtype policy of the computation.

    Raises:
        ValueError: if `num_layers < 1` or another size is too small.

    Inputs:
        regions: region features, `(B, M, C)`; float16 as stored is fine.
        regions_mask: int32, `(B, M)`, 0 at padding.
        images: instead of both, with an image encoder: `(B, H, W, 3)`, 0..255.
        token_ids: int32, `(B, N)`, 0 at padding.

    Outputs:
        `{"fused": (B, D), "attention": {"channels_1": (B, D),
        "hop_1": (B, M), "channels_2": (B, D), ...}}`.

    Example:
    ```python
    backbone = SpatialChannelBackbone(vocabulary_size=10000, regions_dim=2048)
    outputs = backbone(
        {"regions": regions, "regions_mask": mask, "token_ids": token_ids}
    )
    outputs["attention"]["channels_2"]  # (B, D)
    ```

    Reference:
        [Chen et al., 2017](https://arxiv.org/abs/1611.05594).
    """

    def __init__(
        self,
        vocabulary_size,
        regions_dim=2048,
        embedding_dim=100,
        hidden_dim=1000,
        attention_dim=512,
        num_layers=2,
        channel_first=True,
        dropout=0.0,
        normalize_regions=False,
        contextualizer=None,
        image_encoder=None,
        dtype=None,
        **kwargs,
    ):
        check_size("num_layers", num_layers)
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
            activation="relu",
            dropout=dropout,
            normalize=normalize_regions,
            dtype=dtype,
            name="region_encoder",
        )
        self.attentions = [
            SpatialChannelAttention(
                attention_dim,
                channel_first=channel_first,
                dtype=dtype,
                name=f"spatial_channel_attention_{layer}",
            )
            for layer in range(1, num_layers + 1)
        ]
        self.residual_denses = [
            keras.layers.Dense(
                hidden_dim, dtype=dtype, name=f"residual_dense_{layer}"
            )
            for layer in range(1, num_layers)
        ]
        self.image_normalization = RegionNormalization(
            dtype=dtype, name="image_normalization"
        )
        self.image_dense = keras.layers.Dense(
            hidden_dim, use_bias=False, dtype=dtype, name="image_dense"
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
        for layer, attend in enumerate(self.attentions, start=1):
            attended, (channels, places) = attend(
                question, regions, regions_mask=regions_mask
            )
            attention[f"channels_{layer}"] = channels
            attention[f"hop_{layer}"] = places
            if layer < num_layers:
                stage = self.residual_denses[layer - 1]
                regions = ops.relu(regions + stage(attended))
        image = self.image_normalization(masked_mean(attended, regions_mask))
        fused = self.fusion([question, self.image_dense(image)])
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
            num_layers=num_layers,
            channel_first=channel_first,
            dropout=dropout,
            normalize_regions=normalize_regions,
            contextualizer=contextualizer,
            image_encoder=image_encoder,
        )


@keras.saving.register_keras_serializable(package="vqa_keras")
class SpatialChannelVQA(VQA):
    """Visual question answering with attention inside CNN layers.

    `VQA` says what a task takes and does, `SpatialChannelBackbone` what this
    one computes.

    Example:
    ```python
    task = SpatialChannelVQA(
        SpatialChannelBackbone(vocabulary_size=10000, regions_dim=2048),
        num_classes=1000,
    )
    task.compile(optimizer="adam")
    train = vqa_keras.data.load("records", "train", 256, shuffle=True)
    task.fit(train, shuffle=False)  # the data is shuffled
    ```

    Reference:
        [Chen et al., 2017](https://arxiv.org/abs/1611.05594).
    """

    backbone_cls = SpatialChannelBackbone
