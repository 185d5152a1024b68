import keras

from vqa_keras.layers import BiLSTMContextualizer
from vqa_keras.layers import ConceptDetector
from vqa_keras.layers import ParametricAttention
from vqa_keras.layers import ProductFusion
from vqa_keras.layers import QuestionEncoder
from vqa_keras.layers import RegionEncoder
from vqa_keras.layers import SemanticAttention
from vqa_keras.models.vqa import VQA
from vqa_keras.models.vqa_backbone import VQABackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class MultilevelBackbone(VQABackbone):
    """Multi-level attention: to regions in context, and to what they show.

        v_i      = tanh(W_P f_i + b_P)
        prob_c   = max_i sigmoid(w_c . v_i + b_c)
        concepts = SemanticAttention(question, e, prob)
        r        = BiLSTM(v), both directions added
        regions  = sum_i p_i r_i,  p = ParametricAttention(question, r)
        fused    = tanh([(W_1 question) * (W_2 concepts);
                         (W_3 question) * (W_4 regions)])

    each W with a bias.

    Departures from the paper, of which no code was released:

    - Its concepts are predicted by a CNN that was trained to. The records hold
      no concepts to train on: `ConceptDetector` learns `num_concepts` of them,
      their embeddings e_c and their probabilities from the answers.
    - How the two sides are fused, the LSTM and all sizes are ours.

    Args:
        vocabulary_size: int, the words known, with padding and unknown word.
        regions_dim: int, width C of the region features; not used with an
            image encoder.
        embedding_dim: int, width of the embedding of a word and of a concept.
        hidden_dim: int, even: width D of question and regions.
        attention_dim: int, width K of the hidden layer of both attentions.
        num_concepts: int, how many concepts are learned.
        dropout: float, dropped share of each word embedding and of the
            projected regions.
        normalize_regions: bool, whether each region's features are scaled to
            unit length.
        contextualizer: optional layer in place of the BiLSTM; see
            `VQABackbone`.
        image_encoder: optional Keras model from images to a grid; see
            `VQABackbone`.
        dtype: dtype policy of the computation.

    Inputs:
        regions: region features, `(B, M, C)`; float16 as stored is fine. A
            grid comes in raster order.
        regions_mask: int32, `(B, M)`, 0 at padding.
        images: instead of both, with an image encoder: `(B, H, W, 3)`, 0..255.
        token_ids: int32, `(B, N)`, 0 at padding.

    Outputs:
        `{"fused": (B, 2 D), "attention": {"hop_1": (B, M), "concepts_1":
        (B, num_concepts)}}`.

    Example:
    ```python
    backbone = MultilevelBackbone(vocabulary_size=10000, regions_dim=2048)
    outputs = backbone(
        {"regions": regions, "regions_mask": mask, "token_ids": token_ids}
    )
    outputs["attention"]["concepts_1"]  # (B, 256)
    ```

    Reference:
        [Yu et al., 2017](https://doi.org/10.1109/CVPR.2017.446).
    """

    def __init__(
        self,
        vocabulary_size,
        regions_dim=2048,
        embedding_dim=500,
        hidden_dim=1024,
        attention_dim=512,
        num_concepts=256,
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
        self.concept_detector = ConceptDetector(
            num_concepts, embedding_dim, dtype=dtype, name="concept_detector"
        )
        self.semantic_attention = SemanticAttention(
            attention_dim, dtype=dtype, name="semantic_attention"
        )
        if contextualizer is None:
            self.bilstm_contextualizer = BiLSTMContextualizer(
                sum_directions=True, dtype=dtype, name="bilstm_contextualizer"
            )
        self.parametric_attention = ParametricAttention(
            attention_dim, dtype=dtype, name="parametric_attention"
        )
        self.concepts_fusion, self.regions_fusion = (
            ProductFusion(hidden_dim, activation=None, dtype=dtype, name=name)
            for name in ("concepts_fusion", "regions_fusion")
        )
        self.concatenate = keras.layers.Concatenate(
            dtype=dtype, name="concatenate"
        )
        self.fused_tanh = keras.layers.Activation(
            "tanh", dtype=dtype, name="fused_tanh"
        )

        # === Functional model ===
        inputs, regions, regions_mask = self.image_inputs(
            image_encoder, regions_dim, dtype
        )
        inputs["token_ids"] = token_ids = self.question_input()
        question, _, _ = self.question_encoder(token_ids)
        regions = self.region_encoder(regions)
        concepts, probabilities = self.concept_detector(
            regions, regions_mask=regions_mask
        )
        seen_concepts, concepts_weights = self.semantic_attention(
            question, concepts, probabilities
        )
        if contextualizer is None:
            regions = self.bilstm_contextualizer(
                regions, regions_mask=regions_mask
            )
        regions, attention = self.contextualize(
            contextualizer, regions, regions_mask
        )
        seen_regions, attention["hop_1"] = self.parametric_attention(
            question, regions, regions_mask=regions_mask
        )
        attention["concepts_1"] = concepts_weights
        fused = self.fused_tanh(
            self.concatenate(
                [
                    self.concepts_fusion(question, seen_concepts),
                    self.regions_fusion(question, seen_regions),
                ]
            )
        )  # (B, 2 D)
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
            num_concepts=num_concepts,
            dropout=dropout,
            normalize_regions=normalize_regions,
            contextualizer=contextualizer,
            image_encoder=image_encoder,
        )


@keras.saving.register_keras_serializable(package="vqa_keras")
class MultilevelVQA(VQA):
    """Visual question answering with attention to regions and to concepts.

    `VQA` says what a task takes and does, `MultilevelBackbone` what this one
    computes.

    Example:
    ```python
    task = MultilevelVQA(
        MultilevelBackbone(vocabulary_size=10000, regions_dim=2048),
        num_classes=1000,
    )
    task.compile(optimizer="adam")
    train = vqa_keras.data.load("records", "train", 256, shuffle=True)
    task.fit(train, shuffle=False)  # the data is shuffled
    ```

    Reference:
        [Yu et al., 2017](https://doi.org/10.1109/CVPR.2017.446).
    """

    backbone_cls = MultilevelBackbone
