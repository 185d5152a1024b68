import keras
from keras import layers

from vqa_keras.layers import JointlyConditionedCoAttention
from vqa_keras.layers import QuestionEncoder
from vqa_keras.layers import RegionEncoder
from vqa_keras.models.vqa import VQA
from vqa_keras.models.vqa_backbone import VQABackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class JointlyConditionedBackbone(VQABackbone):
    """Question and image attend to words and regions with one joint condition.

    The sum of both sides' states attends to the words and to the regions, and
    what is found is added to the state of the side it comes from:

        v_i         = W_I f_i + b_I
        question_0  = question
        image_0     = mean_i v_i
        condition_j = question_{j-1} + image_{j-1}
        question_j  = question_{j-1} + attention_words_j(condition_j, words)
        image_j     = image_{j-1} + attention_hop_j(condition_j, v)
        fused       = question_H + image_H

    With `use_product` the condition is a memory that starts with question o
    image_0 and grows by the product of what both sides found; `fused` is then
    the memory.

    Departure from the paper: no paper has just this model. It is the article's
    variant, between `IndependentBackbone` and the `DualBackbone` of Nam et al.;
    the hop is that of Yang et al., 2016, whose sizes are the defaults.

    Args:
        vocabulary_size: int, the words known, with padding and unknown word.
        regions_dim: int, width C of the region features; not used with an
            image encoder.
        embedding_dim: int, width of a word embedding.
        hidden_dim: int, even: width D of question, words and regions.
        attention_dim: int, width K of the attentions' hidden layers.
        num_hops: int, how many times both sides attend.
        use_product: bool, whether one memory, updated by the product, takes
            the place of the two states.
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
    backbone = JointlyConditionedBackbone(
        vocabulary_size=10000, regions_dim=2048
    )
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
        embedding_dim=500,
        hidden_dim=1024,
        attention_dim=512,
        num_hops=1,
        use_product=False,
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
        self.jointly_conditioned_co_attention = JointlyConditionedCoAttention(
            attention_dim,
            num_hops=num_hops,
            use_product=use_product,
            dtype=dtype,
            name="jointly_conditioned_co_attention",
        )

        # === Functional model ===
        inputs, regions, regions_mask = self.image_inputs(
            image_encoder, regions_dim, dtype
        )
        inputs["token_ids"] = token_ids = self.question_input()
        question, words, words_mask = self.question_encoder(token_ids)
        regions = self.region_encoder(regions)
        regions, attention = self.contextualize(
            contextualizer, regions, regions_mask
        )
        (question, image), weights = self.jointly_conditioned_co_attention(
            question,
            words,
            regions,
            words_mask=words_mask,
            regions_mask=regions_mask,
        )
        fused = question  # (B, D), the memory if there is one
        if not use_product:
            fused = layers.Add(dtype=dtype, name="sum_of_sides")(
                [question, image]
            )
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
            use_product=use_product,
            dropout=dropout,
            normalize_regions=normalize_regions,
            contextualizer=contextualizer,
            image_encoder=image_encoder,
        )


@keras.saving.register_keras_serializable(package="vqa_keras")
class JointlyConditionedVQA(VQA):
    """Visual question answering with jointly conditioned co-attention.

    `VQA` says what a task takes and does, `JointlyConditionedBackbone` what
    this one computes.

    Example:
    ```python
    task = JointlyConditionedVQA(
        JointlyConditionedBackbone(vocabulary_size=10000, regions_dim=2048),
        num_classes=1000,
    )
    task.compile(optimizer="adam")
    train = vqa_keras.data.load("records", "train", 256, shuffle=True)
    task.fit(train, shuffle=False)  # the data is shuffled
    ```

    Reference:
        [Nam et al., 2017](https://arxiv.org/abs/1611.00471).
    """

    backbone_cls = JointlyConditionedBackbone
