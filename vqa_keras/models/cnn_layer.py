import keras

from vqa_keras.layers import CNNLayerAttention
from vqa_keras.layers import ParametricAttention
from vqa_keras.layers import QuestionEncoder
from vqa_keras.models.pyramid_backbone import PyramidBackbone
from vqa_keras.models.vqa import VQA


@keras.saving.register_keras_serializable(package="vqa_keras")
class CNNLayerBackbone(PyramidBackbone):
    """The question chooses among CNN layers, then among their regions.

    Shallow layers of a CNN show colors and edges, deep ones objects; which of
    them an answer needs depends on the question:

        V_1, ..., V_L = the grids, pooled to the smallest, projected, normalized
        p             = layer_attention(question, V)        (B, L)
        v             = sum_l p_l V_l
        fused         = question + attention(question, v)

    Departures from the article: the scores of a layer's regions are averaged,
    where their sum would make the choice of a layer all but one-hot, and each
    region has unit length; see `CNNLayerAttention`.

    Args:
        vocabulary_size: int, the words known, with padding and unknown word.
        grid_shapes: list of two or more `(h, w, C)`, the grid with the most
            cells first, each a whole multiple of the last; not used with an
            image encoder. Defaults to the four stages of a ResNet on images
            of 448 x 448.
        embedding_dim: int, width of a word embedding.
        hidden_dim: int, even: width D of question and regions.
        attention_dim: int, width K of the region attention's hidden layer.
        use_content: bool, whether the choice of a layer depends on the grids
            (the article) or on the question only (Nguyen and Okatani).
        num_heads: int, how many softmaxes over the layers are averaged.
        dropout: float, dropped share of each word embedding and of the
            regions after the layer attention.
        contextualizer: optional layer that adds context to the regions after
            the layer attention; see `VQABackbone`.
        image_encoder: optional Keras model from images to a dict of grids; see
            `PyramidBackbone`.
        dtype: dtype policy of the computation.

    Inputs:
        grid_1, grid_2, ...: CNN outputs, `(B, h, w, C)` as in `grid_shapes`;
            float16 as stored is fine. Box features have no layers to choose
            among: this model does not take them.
        images: instead, with an image encoder: `(B, H, W, 3)`, 0..255.
        token_ids: int32, `(B, N)`, 0 at padding.

    Outputs:
        `{"fused": (B, D), "attention": {"cnn_layers_1": (B, L), "hop_1":
        (B, M)}}`, with M cells of the smallest grid.

    Example:
    ```python
    backbone = CNNLayerBackbone(vocabulary_size=10000)
    outputs = backbone(
        {
            "grid_1": stage_2,  # (B, 112, 112, 256)
            "grid_2": stage_3,  # (B, 56, 56, 512)
            "grid_3": stage_4,  # (B, 28, 28, 1024)
            "grid_4": stage_5,  # (B, 14, 14, 2048)
            "token_ids": token_ids,
        }
    )
    outputs["attention"]["cnn_layers_1"]  # (B, 4)
    ```

    Reference:
        [Nguyen and Okatani, 2018](https://arxiv.org/abs/1804.00775).
    """

    def __init__(
        self,
        vocabulary_size,
        grid_shapes=(
            (112, 112, 256),
            (56, 56, 512),
            (28, 28, 1024),
            (14, 14, 2048),
        ),
        embedding_dim=500,
        hidden_dim=1024,
        attention_dim=512,
        use_content=True,
        num_heads=1,
        dropout=0.0,
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
        self.cnn_layer_attention = CNNLayerAttention(
            hidden_dim,
            use_content=use_content,
            num_heads=num_heads,
            dtype=dtype,
            name="cnn_layer_attention",
        )
        self.regions_dropout = keras.layers.Dropout(
            dropout, dtype=dtype, name="regions_dropout"
        )
        self.parametric_attention = ParametricAttention(
            attention_dim, dtype=dtype, name="parametric_attention"
        )

        # === Functional model ===
        inputs, grids = self.image_inputs(image_encoder, grid_shapes, dtype)
        inputs["token_ids"] = token_ids = self.question_input()
        question, _, _ = self.question_encoder(token_ids)
        regions, cnn_layers = self.cnn_layer_attention(question, grids)
        regions = self.regions_dropout(regions)  # (B, M, D)
        regions, attention = self.contextualize(contextualizer, regions, None)
        filtered, weights = self.parametric_attention(question, regions)
        attention |= {"cnn_layers_1": cnn_layers, "hop_1": weights}
        super().__init__(
            inputs=inputs,
            outputs={"fused": question + filtered, "attention": attention},
            dtype=dtype,
            **kwargs,
        )

        # === Config ===
        self.set_config(
            vocabulary_size=vocabulary_size,
            grid_shapes=grid_shapes,
            embedding_dim=embedding_dim,
            hidden_dim=hidden_dim,
            attention_dim=attention_dim,
            use_content=use_content,
            num_heads=num_heads,
            dropout=dropout,
            contextualizer=contextualizer,
            image_encoder=image_encoder,
        )


@keras.saving.register_keras_serializable(package="vqa_keras")
class CNNLayerVQA(VQA):
    """Visual question answering with attention over CNN layers and regions.

    `VQA` says what a task takes and does, `CNNLayerBackbone` what this one
    computes.

    Example:
    ```python
    task = CNNLayerVQA(
        CNNLayerBackbone(vocabulary_size=10000), num_classes=3000
    )
    task.compile(optimizer="adam")
    train = vqa_keras.data.load(
        "records", "train", 256, shuffle=True, inputs="grids"
    )
    task.fit(train, shuffle=False)  # the data is shuffled
    ```

    Reference:
        [Nguyen and Okatani, 2018](https://arxiv.org/abs/1804.00775).
    """

    backbone_cls = CNNLayerBackbone
