import keras
from keras import ops

from vqa_keras.layers import BiLSTMContextualizer
from vqa_keras.layers import ConceptDetector
from vqa_keras.layers import ParametricAttention
from vqa_keras.layers import ProductFusion
from vqa_keras.layers import SemanticAttention
from vqa_keras.models.vqa_backbone import VQABackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class MultilevelBackbone(VQABackbone):
    """Multi-level attention (MLAN): over regions in context and over concepts.

        v_i      = tanh(W_P f_i + b_P)
        prob_c   = max_i sigmoid(w_c . v_i + b_c)
        concepts = SemanticAttention(question, e, prob)
        r        = BiLSTM(v), both directions added
        regions  = sum_i p_i r_i,  p = ParametricAttention(question, r)
        fused    = tanh([(W_1 question) * (W_2 concepts);
                         (W_3 question) * (W_4 regions)])

    each W with a bias. Regions of a grid come in raster order.
    `ConceptDetector` learns the embeddings e_c and the probabilities.

    Departures from the paper, of which no code was released: the fusion of the
    two sides and all sizes are ours; more at `BiLSTMContextualizer`,
    `ConceptDetector` and `SemanticAttention`.

    Args:
        embedding_dim: int. Width of the embeddings of words and of concepts.
            Defaults to 500.
        attention_dim: int. Width K of the hidden layer of both attentions.
            Defaults to 512.
        num_concepts: int. Number of concepts to learn. Defaults to 256.
        contextualizer: optional layer in place of the BiLSTM.
        **kwargs: passed to `VQABackbone`, which documents the other arguments.

    Attention: `regions_1` (B, M) and `concepts_1` (B, num_concepts).

    Reference:
        [Yu et al., 2017](https://doi.org/10.1109/CVPR.2017.446).
    """

    region_activation = "tanh"

    def __init__(
        self,
        vocabulary_size,
        regions_dim=2048,
        embedding_dim=500,
        hidden_dim=1024,
        attention_dim=512,
        num_concepts=256,
        dtype=None,
        **kwargs,
    ):
        self.attention_dim = attention_dim
        self.num_concepts = num_concepts
        self.concept_detector = ConceptDetector(
            num_concepts, embedding_dim, dtype=dtype, name="concept_detector"
        )
        self.semantic_attention = SemanticAttention(
            attention_dim, dtype=dtype, name="semantic_attention"
        )
        self.parametric_attention = ParametricAttention(
            attention_dim, dtype=dtype, name="parametric_attention"
        )
        self.concepts_fusion, self.regions_fusion = (
            ProductFusion(hidden_dim, activation=None, dtype=dtype, name=name)
            for name in ("concepts_fusion", "regions_fusion")
        )
        sizes = (regions_dim, embedding_dim, hidden_dim)
        super().__init__(vocabulary_size, *sizes, dtype=dtype, **kwargs)

    def make_contextualizer(self, dtype):
        return BiLSTMContextualizer(
            sum_directions=True, dtype=dtype, name="bilstm_contextualizer"
        )

    def encode_regions(self, features, regions_mask):
        # `fuse` adds the context: the detector takes regions without it.
        return self.region_encoder(features), {}

    def fuse(self, encoded):
        question, mask = encoded.question, encoded.regions_mask
        concepts, probabilities = self.concept_detector(
            encoded.regions, regions_mask=mask
        )
        concepts, weights = self.semantic_attention(
            question, concepts, probabilities
        )
        regions, attention = self.contextualize(encoded.regions, mask)
        regions, attention["regions_1"] = self.parametric_attention(
            question, regions, regions_mask=mask
        )
        fused = ops.concatenate(
            [
                self.concepts_fusion(question, concepts),
                self.regions_fusion(question, regions),
            ],
            axis=-1,
        )  # (B, 2 D)
        return ops.tanh(fused), {**attention, "concepts_1": weights}
