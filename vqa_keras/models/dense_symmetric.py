import keras

from vqa_keras.layers import AttentionSummary
from vqa_keras.layers import CNNLayerAttention
from vqa_keras.layers import DenseCoAttention
from vqa_keras.layers import QuestionEncoder
from vqa_keras.layers.arguments import check_size
from vqa_keras.models.pyramid_backbone import PyramidBackbone
from vqa_keras.models.vqa import VQA


@keras.saving.register_keras_serializable(package="vqa_keras")
class DenseSymmetricBackbone(PyramidBackbone):
    """Dense Co-Attention Network: words and regions inform each other, often.

    The question chooses among the CNN's layers, then every word attends to
    every region and every region to every word in a stack of layers, and each
    side sums itself up:

        question, Q^0 = encoder(token_ids)                (B, D), (B, N, D)
        V^0           = layer_attention(question, grids)  (B, M, D)
        Q^l, V^l      = co_attention_l(Q^{l-1}, V^{l-1})
        fused         = summary_Q(Q^L) + summary_V(V^L)

    The sum is the paper's second way to an answer; its first compares the two
    with an encoded answer, its third puts them side by side.

    Departures from the paper: the words are the outputs of one bidirectional
    LSTM with embeddings learned here (the paper: two, over frozen GloVe
    vectors, with learned initial states, joined with the words they read).

    Args:
        vocabulary_size: int, the words known, with padding and unknown word.
        grid_shapes: list of two or more `(h, w, C)`, the grid with the most
            cells first, each a whole multiple of the last; not used with an
            image encoder. Defaults to the four stages of a ResNet on images
            of 448 x 448.
        embedding_dim: int, width of a word embedding.
        hidden_dim: int, width D of words and regions: even, and a multiple of
            `num_heads`.
        num_layers: int, how many layers of co-attention, each with weights of
            its own.
        num_heads: int, heads of each co-attention and of the layer attention,
            and glimpses of the summaries.
        num_nowhere: int, learned slots on each side of each co-attention.
        dropout: float, dropped share of each word embedding and of the
            regions after the layer attention.
        co_attention_dropout: float, dropped share of what each co-attention
            adds.
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
        `{"fused": (B, D), "attention": {...}}`, with M cells of the smallest
        grid:
        cnn_layers_1: `(B, L)`, over the CNN's layers.
        words_to_regions_1, regions_to_words_1, ...: `(B, N, M)`, `(B, M, N)`
            of each co-attention; see `DenseCoAttention`.
        hop_1, words_1: `(B, M)`, `(B, N)`, of the summaries.

    Example:
    ```python
    backbone = DenseSymmetricBackbone(vocabulary_size=10000)
    outputs = backbone(
        {
            "grid_1": stage_2,  # (B, 112, 112, 256)
            "grid_2": stage_3,  # (B, 56, 56, 512)
            "grid_3": stage_4,  # (B, 28, 28, 1024)
            "grid_4": stage_5,  # (B, 14, 14, 2048)
            "token_ids": token_ids,
        }
    )
    outputs["attention"]["words_to_regions_3"]  # (B, N, 196)
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
        embedding_dim=300,
        hidden_dim=1024,
        num_layers=3,
        num_heads=4,
        num_nowhere=3,
        dropout=0.0,
        co_attention_dropout=0.3,
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
        self.cnn_layer_attention = CNNLayerAttention(
            hidden_dim,
            num_heads=num_heads,
            dtype=dtype,
            name="cnn_layer_attention",
        )
        self.regions_dropout = keras.layers.Dropout(
            dropout, dtype=dtype, name="regions_dropout"
        )
        self.co_attentions = [
            DenseCoAttention(
                num_heads,
                num_nowhere=num_nowhere,
                dropout=co_attention_dropout,
                dtype=dtype,
                name=f"co_attention_{i}",
            )
            for i in range(1, num_layers + 1)
        ]
        self.words_summary, self.regions_summary = (
            AttentionSummary(num_heads, dtype=dtype, name=name)
            for name in ("words_summary", "regions_summary")
        )

        # === Functional model ===
        inputs, grids = self.image_inputs(image_encoder, grid_shapes, dtype)
        inputs["token_ids"] = token_ids = self.question_input()
        question, words, words_mask = self.question_encoder(token_ids)
        regions, cnn_layers = self.cnn_layer_attention(question, grids)
        regions = self.regions_dropout(regions)  # (B, M, D)
        regions, attention = self.contextualize(contextualizer, regions, None)
        attention["cnn_layers_1"] = cnn_layers
        for i, co_attention in enumerate(self.co_attentions, 1):
            (words, regions), (to_regions, to_words) = co_attention(
                words, regions, words_mask=words_mask
            )
            attention[f"words_to_regions_{i}"] = to_regions
            attention[f"regions_to_words_{i}"] = to_words
        words, words_weights = self.words_summary(
            words, sequence_mask=words_mask
        )
        regions, regions_weights = self.regions_summary(regions)
        attention |= {"hop_1": regions_weights, "words_1": words_weights}
        super().__init__(
            inputs=inputs,
            outputs={"fused": words + regions, "attention": attention},
            dtype=dtype,
            **kwargs,
        )

        # === Config ===
        self.set_config(
            vocabulary_size=vocabulary_size,
            grid_shapes=grid_shapes,
            embedding_dim=embedding_dim,
            hidden_dim=hidden_dim,
            num_layers=num_layers,
            num_heads=num_heads,
            num_nowhere=num_nowhere,
            dropout=dropout,
            co_attention_dropout=co_attention_dropout,
            contextualizer=contextualizer,
            image_encoder=image_encoder,
        )


@keras.saving.register_keras_serializable(package="vqa_keras")
class DenseSymmetricVQA(VQA):
    """Visual question answering with a Dense Co-Attention Network.

    `VQA` says what a task takes and does, `DenseSymmetricBackbone` what this
    one computes. The paper's answers are independent: `activation="sigmoid"`
    and `AnswerBinaryCrossentropy` on soft scores.

    Example:
    ```python
    task = DenseSymmetricVQA(
        DenseSymmetricBackbone(vocabulary_size=10000),
        num_classes=3000,
        activation="sigmoid",
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

    backbone_cls = DenseSymmetricBackbone
