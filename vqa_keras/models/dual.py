import keras

from vqa_keras.layers import DualAttention
from vqa_keras.layers import QuestionEncoder
from vqa_keras.layers import RegionEncoder
from vqa_keras.models.vqa import VQA
from vqa_keras.models.vqa_backbone import VQABackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class DualBackbone(VQABackbone):
    """Dual Attention Network (r-DAN): a memory attends to words and regions.

    The memory starts with the mean word times the mean region. In each hop it
    attends to both sides, and the product of what it found is added:

        v_i      = W_I f_i + b_I
        memory_0 = (mean_n word_n) o tanh(P_0 (mean_i v_i) + b_0)
        t_j      = attention_words_j(memory_{j-1}, words)
        found_j  = attention_hop_j(memory_{j-1}, v)
        memory_j = memory_{j-1} + t_j o tanh(P_j found_j + b_j)
        fused    = memory_H

    Departures from the paper: its words are the sum of both directions of a
    bidirectional LSTM, D units each, where the common question encoder puts
    halves of D / 2 side by side; and its attention sees the features f_i
    themselves, where they are projected to width D here, as in all backbones,
    so that a contextualizer can work on them.

    Args:
        vocabulary_size: int, the words known, with padding and unknown word.
        regions_dim: int, width C of the region features; not used with an
            image encoder.
        embedding_dim: int, width of a word embedding.
        hidden_dim: int, even: width D of question, words and regions.
        attention_dim: int, width K of the attentions' hidden layers.
        num_hops: int, how many times both sides attend.
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
        `{"fused": (B, D), "attention": {"words_1": (B, N), "hop_1": (B, M),
        ...}}`: for each hop its weights on the words and on the regions.

    Example:
    ```python
    backbone = DualBackbone(vocabulary_size=10000, regions_dim=2048)
    outputs = backbone(
        {"regions": regions, "regions_mask": mask, "token_ids": token_ids}
    )
    outputs["attention"]["words_1"]  # (B, N)
    ```

    Reference:
        [Nam et al., 2017](https://arxiv.org/abs/1611.00471).
    """

    def __init__(
        self,
        vocabulary_size,
        regions_dim=2048,
        embedding_dim=512,
        hidden_dim=512,
        attention_dim=512,
        num_hops=2,
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
            dropout=dropout,
            normalize=normalize_regions,
            dtype=dtype,
            name="region_encoder",
        )
        self.dual_attention = DualAttention(
            attention_dim,
            num_hops=num_hops,
            dtype=dtype,
            name="dual_attention",
        )

        # === Functional model ===
        inputs, regions, regions_mask = self.image_inputs(
            image_encoder, regions_dim, dtype
        )
        inputs["token_ids"] = token_ids = self.question_input()
        _, words, words_mask = self.question_encoder(token_ids)
        regions = self.region_encoder(regions)
        regions, attention = self.contextualize(
            contextualizer, regions, regions_mask
        )
        fused, weights = self.dual_attention(
            words,
            regions,
            words_mask=words_mask,
            regions_mask=regions_mask,
        )  # (B, D)
        words_weights, regions_weights = weights  # (B, H, N), (B, H, M)
        for hop in range(num_hops):
            attention[f"words_{hop + 1}"] = words_weights[:, hop]
            attention[f"hop_{hop + 1}"] = regions_weights[:, hop]
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
            dropout=dropout,
            normalize_regions=normalize_regions,
            contextualizer=contextualizer,
            image_encoder=image_encoder,
        )


@keras.saving.register_keras_serializable(package="vqa_keras")
class DualVQA(VQA):
    """Visual question answering with a Dual Attention Network (r-DAN).

    `VQA` says what a task takes and does, `DualBackbone` what this one
    computes. Departure from the paper: the head has a hidden layer, where the
    paper's has a softmax only.

    Example:
    ```python
    task = DualVQA(
        DualBackbone(vocabulary_size=10000, regions_dim=2048),
        num_classes=1000,
    )
    task.compile(optimizer="adam")
    train = vqa_keras.data.load("records", "train", 256, shuffle=True)
    task.fit(train, shuffle=False)  # the data is shuffled
    ```

    Reference:
        [Nam et al., 2017](https://arxiv.org/abs/1611.00471).
    """

    backbone_cls = DualBackbone
