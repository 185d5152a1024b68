import keras

from vqa_keras.layers import QuestionEncoder
from vqa_keras.layers import RegionEncoder
from vqa_keras.layers import StackedAttention
from vqa_keras.models.vqa import VQA
from vqa_keras.models.vqa_backbone import VQABackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class StackedBackbone(VQABackbone):
    """Stacked Attention Network: the question looks at the image repeatedly.

    The question's vector attends to the regions, what it saw is added to it,
    and the sum attends again:

        v_i     = tanh(W_I f_i + b_I)
        query_0 = question
        p^j     = attention_j(query_{j-1}, v)
        query_j = query_{j-1} + sum_i p_i^j v_i
        fused   = query_H

    Departures from the paper: the question is read by a bidirectional LSTM
    of `hidden_dim / 2` units a direction (the paper: one LSTM, or a CNN), and
    each region's features can be L2-normalized first, so that no region with
    large features outweighs the others at a small attention weight.

    Args:
        vocabulary_size: int, the words known, with padding and unknown word.
        regions_dim: int, width C of the region features; not used with an
            image encoder.
        embedding_dim: int, width of a word embedding.
        hidden_dim: int, even: width D of question and regions.
        attention_dim: int, width K of the attention's hidden layer.
        num_hops: int, how many times the question looks.
        share_weights: bool, whether all hops are the same layer.
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
        `{"fused": (B, D), "attention": {"hop_1": (B, M), ...}}`.

    Example:
    ```python
    backbone = StackedBackbone(vocabulary_size=10000, regions_dim=2048)
    outputs = backbone(
        {"regions": regions, "regions_mask": mask, "token_ids": token_ids}
    )
    outputs["attention"]["hop_2"]  # (B, M)
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
        num_hops=2,
        share_weights=False,
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
            activation="tanh",
            dropout=dropout,
            normalize=normalize_regions,
            dtype=dtype,
            name="region_encoder",
        )
        self.stacked_attention = StackedAttention(
            attention_dim,
            num_hops=num_hops,
            share_weights=share_weights,
            dtype=dtype,
            name="stacked_attention",
        )

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
        fused, weights = self.stacked_attention(
            question, regions, regions_mask=regions_mask
        )  # (B, D), (B, H, M)
        for hop in range(num_hops):
            attention[f"hop_{hop + 1}"] = weights[:, hop]
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
            num_hops=num_hops,
            share_weights=share_weights,
            dropout=dropout,
            normalize_regions=normalize_regions,
            contextualizer=contextualizer,
            image_encoder=image_encoder,
        )


@keras.saving.register_keras_serializable(package="vqa_keras")
class StackedVQA(VQA):
    """Visual question answering with a Stacked Attention Network.

    `VQA` says what a task takes and does, `StackedBackbone` what this one
    computes. Departure from the paper: the head has a hidden layer, where the
    paper's has a softmax only.

    Example:
    ```python
    task = StackedVQA(
        StackedBackbone(vocabulary_size=10000, regions_dim=2048),
        num_classes=1000,
    )
    task.compile(optimizer="adam")
    train = vqa_keras.data.load("records", "train", 256, shuffle=True)
    task.fit(train, shuffle=False)  # the data is shuffled
    ```

    Reference:
        [Yang et al., 2016](https://arxiv.org/abs/1511.02274).
    """

    backbone_cls = StackedBackbone
