import keras

from vqa_keras.layers import InterModalityAttention
from vqa_keras.layers import IntraModalityAttention
from vqa_keras.layers import QuestionEncoder
from vqa_keras.layers import RegionEncoder
from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.masked_mean import masked_mean
from vqa_keras.models.vqa import VQA
from vqa_keras.models.vqa_backbone import VQABackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class IntraInterBackbone(VQABackbone):
    """Dynamic fusion with intra- and inter-modality attention flow (DFAF).

    Words and regions stay apart to the end. In each block both gather from the
    other side, then each from itself, under gates that the other side opens:

        words_0, regions_0 = the words of a BiLSTM, W_I f_i + b_I
        words, regions     = inter_b(words_{b-1}, regions_{b-1})
        words_b, regions_b = intra_b(words, regions)
        fused              = mean_n(words_B) o mean_m(regions_B)

    `inter` is `InterModalityAttention`, `intra` is `IntraModalityAttention`;
    the means are over what is not padding.

    Departures from the paper: the words are read by a bidirectional LSTM of
    `hidden_dim / 2` units a direction (the paper: GloVe embeddings and a GRU of
    1,280 units, projected to 512), and each region's features can be
    L2-normalized first. The residual sums over all intermediate states that a
    later reimplementation adds are left out.

    Args:
        vocabulary_size: int, the words known, with padding and unknown word.
        regions_dim: int, width C of the region features; not used with an
            image encoder.
        embedding_dim: int, width of a word embedding.
        hidden_dim: int, even: width D of words and regions.
        num_heads: int, a divisor of `hidden_dim`.
        num_blocks: int, how often inter and intra follow each other.
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
        `{"fused": (B, D), "attention": {...}}` with, of every block b,
        `words_to_regions_b` (B, heads, N, M), `regions_to_words_b`
        (B, heads, M, N), `words_to_words_b` (B, heads, N, N) and
        `regions_to_regions_b` (B, heads, M, M).

    Example:
    ```python
    backbone = IntraInterBackbone(vocabulary_size=10000)
    outputs = backbone(
        {"regions": regions, "regions_mask": mask, "token_ids": token_ids}
    )
    outputs["attention"]["words_to_regions_1"]  # (B, heads, N, M)
    ```

    Reference:
        [Gao et al., 2019](https://arxiv.org/abs/1812.05252).
    """

    def __init__(
        self,
        vocabulary_size,
        regions_dim=2048,
        embedding_dim=300,
        hidden_dim=512,
        num_heads=8,
        num_blocks=1,
        dropout=0.0,
        normalize_regions=False,
        contextualizer=None,
        image_encoder=None,
        dtype=None,
        **kwargs,
    ):
        # === Layers ===
        check_size("num_blocks", num_blocks)
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
        self.inter_modality_attention = [
            InterModalityAttention(
                num_heads, dtype=dtype, name=f"inter_modality_attention_{b + 1}"
            )
            for b in range(num_blocks)
        ]
        self.intra_modality_attention = [
            IntraModalityAttention(
                num_heads, dtype=dtype, name=f"intra_modality_attention_{b + 1}"
            )
            for b in range(num_blocks)
        ]

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
        masks = {"words_mask": words_mask, "regions_mask": regions_mask}
        for b in range(num_blocks):
            (words, regions), (to_regions, to_words) = (
                self.inter_modality_attention[b](words, regions, **masks)
            )
            attention[f"words_to_regions_{b + 1}"] = to_regions
            attention[f"regions_to_words_{b + 1}"] = to_words
            (words, regions), (of_words, of_regions) = (
                self.intra_modality_attention[b](words, regions, **masks)
            )
            attention[f"words_to_words_{b + 1}"] = of_words
            attention[f"regions_to_regions_{b + 1}"] = of_regions
        fused = masked_mean(words, words_mask) * masked_mean(
            regions, regions_mask
        )  # (B, D)
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
            num_heads=num_heads,
            num_blocks=num_blocks,
            dropout=dropout,
            normalize_regions=normalize_regions,
            contextualizer=contextualizer,
            image_encoder=image_encoder,
        )


@keras.saving.register_keras_serializable(package="vqa_keras")
class IntraInterVQA(VQA):
    """Visual question answering with intra- and inter-modality attention.

    `VQA` says what a task takes and does, `IntraInterBackbone` what this one
    computes. The head is the paper's: one hidden layer with a relu. The paper
    trains on soft scores: `activation="sigmoid"`.

    Example:
    ```python
    task = IntraInterVQA(
        IntraInterBackbone(vocabulary_size=10000),
        num_classes=3129,
        activation="sigmoid",
    )
    task.compile(optimizer="adam")
    train = vqa_keras.data.load(
        "records", "train", 256, shuffle=True, targets="scores"
    )
    task.fit(train, shuffle=False)  # the data is shuffled
    ```

    Reference:
        [Gao et al., 2019](https://arxiv.org/abs/1812.05252).
    """

    backbone_cls = IntraInterBackbone
