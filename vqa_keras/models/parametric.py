import keras

from vqa_keras.layers import ParametricAttention
from vqa_keras.layers import QuestionEncoder
from vqa_keras.layers import RegionEncoder
from vqa_keras.models.vqa import VQA
from vqa_keras.models.vqa_backbone import VQABackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class ParametricBackbone(VQABackbone):
    """One hop of parametric attention: a small network scores the regions.

        v_i   = W_I f_i + b_I
        p     = softmax_i(w_h . tanh(W_V v_i + W_Q question + b_Q))
        fused = question + sum_i p_i v_i

    With several glimpses, what they find is concatenated and brought back to
    the width of the question, W_G [filtered_1; ...; filtered_G] + b_G, before
    it is added.

    Departures from the paper: this is its first hop only, the regions are
    projected without a tanh, as in the article, and the question is read by a
    bidirectional LSTM of `hidden_dim / 2` units a direction. The sizes are the
    paper's.

    Args:
        vocabulary_size: int, the words known, with padding and unknown word.
        regions_dim: int, width C of the region features; not used with an
            image encoder.
        embedding_dim: int, width of a word embedding.
        hidden_dim: int, even: width D of question and regions.
        attention_dim: int, width K of the attention's hidden layer.
        num_glimpses: int, how many softmaxes G look at once.
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
        `{"fused": (B, D), "attention": {"hop_1": (B, M)}}`, with several
        glimpses `(B, G, M)`.

    Example:
    ```python
    backbone = ParametricBackbone(vocabulary_size=10000, regions_dim=2048)
    outputs = backbone(
        {"regions": regions, "regions_mask": mask, "token_ids": token_ids}
    )
    outputs["attention"]["hop_1"]  # (B, M)
    ```

    Reference:
        [Yang et al., 2016](https://arxiv.org/abs/1511.02274).
    """

    def __init__(
        self,
        vocabulary_size,
        regions_dim=512,
        embedding_dim=500,
        hidden_dim=1024,
        attention_dim=512,
        num_glimpses=1,
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
        self.parametric_attention = ParametricAttention(
            attention_dim,
            num_glimpses=num_glimpses,
            dtype=dtype,
            name="parametric_attention",
        )
        if num_glimpses > 1:
            self.glimpses_dense = keras.layers.Dense(
                hidden_dim, dtype=dtype, name="glimpses_dense"
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
        filtered, attention["hop_1"] = self.parametric_attention(
            question, regions, regions_mask=regions_mask
        )
        if num_glimpses > 1:
            filtered = self.glimpses_dense(filtered)
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
            num_glimpses=num_glimpses,
            dropout=dropout,
            normalize_regions=normalize_regions,
            contextualizer=contextualizer,
            image_encoder=image_encoder,
        )


@keras.saving.register_keras_serializable(package="vqa_keras")
class ParametricVQA(VQA):
    """Visual question answering with one hop of parametric attention.

    `VQA` says what a task takes and does, `ParametricBackbone` what this one
    computes.

    Example:
    ```python
    task = ParametricVQA(
        ParametricBackbone(vocabulary_size=10000, regions_dim=2048),
        num_classes=1000,
    )
    task.compile(optimizer="adam")
    train = vqa_keras.data.load("records", "train", 256, shuffle=True)
    task.fit(train, shuffle=False)  # the data is shuffled
    ```

    Reference:
        [Yang et al., 2016](https://arxiv.org/abs/1511.02274).
    """

    backbone_cls = ParametricBackbone
