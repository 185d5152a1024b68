import keras

from vqa_keras.layers import JointCoAttention
from vqa_keras.layers import QuestionEncoder
from vqa_keras.layers import RegionEncoder
from vqa_keras.models.vqa import VQA
from vqa_keras.models.vqa_backbone import VQABackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class JointBackbone(VQABackbone):
    """Co-attention through one affinity matrix of all words and all regions.

    Every word is matched with every region, and the matrix of the matches
    decides what counts in the question and in the image at once:

        words, regions = BiLSTM(question), W_I f + b_I
        C              = tanh(words W_b regions^T)
        p_words, p_regions = scores of C, through a small network or a maximum
        fused          = sum_n p_n words_n + sum_m p_m regions_m

    `JointCoAttention` says how C becomes weights. The paper has three of them,
    one for each level of the question: see `HierarchicalBackbone`.

    Args:
        vocabulary_size: int, the words known, with padding and unknown word.
        regions_dim: int, width C of the region features; not used with an
            image encoder.
        embedding_dim: int, width of a word embedding.
        hidden_dim: int, even: width D of words and regions.
        attention_dim: int, width K of the attention's hidden layers, or `None`
            for the article's form without them, in which the weight of a word
            is that of its best region and the reverse.
        temperature: float, the sharpness of the form without hidden layers.
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
        `{"fused": (B, D), "attention": {"hop_1": (B, M), "words_1": (B, N),
        "affinity_1": (B, N, M)}}`.

    Example:
    ```python
    backbone = JointBackbone(vocabulary_size=10000, regions_dim=2048)
    outputs = backbone(
        {"regions": regions, "regions_mask": mask, "token_ids": token_ids}
    )
    outputs["attention"]["affinity_1"]  # (B, N, M)
    ```

    Reference:
        [Lu et al., 2016](https://arxiv.org/abs/1606.00061).
    """

    def __init__(
        self,
        vocabulary_size,
        regions_dim=2048,
        embedding_dim=512,
        hidden_dim=512,
        attention_dim=512,
        temperature=1.0,
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
        self.joint_co_attention = JointCoAttention(
            attention_dim,
            temperature=temperature,
            dtype=dtype,
            name="joint_co_attention",
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
        filtered, weights = self.joint_co_attention(
            words, regions, words_mask=words_mask, regions_mask=regions_mask
        )
        words_filtered, regions_filtered = filtered  # (B, D), (B, D)
        attention["hop_1"] = weights[1]
        attention["words_1"] = weights[0]
        attention["affinity_1"] = weights[2]
        super().__init__(
            inputs=inputs,
            outputs={
                "fused": words_filtered + regions_filtered,
                "attention": attention,
            },
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
            temperature=temperature,
            dropout=dropout,
            normalize_regions=normalize_regions,
            contextualizer=contextualizer,
            image_encoder=image_encoder,
        )


@keras.saving.register_keras_serializable(package="vqa_keras")
class JointVQA(VQA):
    """Visual question answering with joint co-attention.

    `VQA` says what a task takes and does, `JointBackbone` what this one
    computes.

    Example:
    ```python
    task = JointVQA(
        JointBackbone(vocabulary_size=10000, regions_dim=2048),
        num_classes=1000,
    )
    task.compile(optimizer="adam")
    train = vqa_keras.data.load("records", "train", 256, shuffle=True)
    task.fit(train, shuffle=False)  # the data is shuffled
    ```

    Reference:
        [Lu et al., 2016](https://arxiv.org/abs/1606.00061).
    """

    backbone_cls = JointBackbone
