"""Attention mechanisms and encoders for every Keras backend, one per file.

"The article" in their documentation is the overview of attention for Visual
Question Answering whose mechanisms this package implements; "the paper" is
the one under Reference.
"""

from vqa_keras.layers.alternating_co_attention import AlternatingCoAttention
from vqa_keras.layers.attention_pooling import AttentionPooling
from vqa_keras.layers.attention_summary import AttentionSummary
from vqa_keras.layers.bilstm_contextualizer import BiLSTMContextualizer
from vqa_keras.layers.channel_attention import ChannelAttention
from vqa_keras.layers.cnn_layer_attention import CNNLayerAttention
from vqa_keras.layers.concept_detector import ConceptDetector
from vqa_keras.layers.cosine_attention import CosineAttention
from vqa_keras.layers.dense_co_attention import DenseCoAttention
from vqa_keras.layers.dual_attention import DualAttention
from vqa_keras.layers.grid_position_encoding import GridPositionEncoding
from vqa_keras.layers.independent_co_attention import IndependentCoAttention
from vqa_keras.layers.inter_modality_attention import InterModalityAttention
from vqa_keras.layers.intra_modality_attention import IntraModalityAttention
from vqa_keras.layers.joint_co_attention import JointCoAttention
from vqa_keras.layers.jointly_conditioned_co_attention import (
    JointlyConditionedCoAttention,
)
from vqa_keras.layers.multi_head_attention import MultiHeadAttention
from vqa_keras.layers.ngram_dense import NgramDense
from vqa_keras.layers.parametric_attention import ParametricAttention
from vqa_keras.layers.phrase_encoder import PhraseEncoder
from vqa_keras.layers.product_fusion import ProductFusion
from vqa_keras.layers.question_encoder import QuestionEncoder
from vqa_keras.layers.region_encoder import RegionEncoder
from vqa_keras.layers.region_normalization import RegionNormalization
from vqa_keras.layers.self_attention_contextualizer import (
    SelfAttentionContextualizer,
)
from vqa_keras.layers.semantic_attention import SemanticAttention
from vqa_keras.layers.spatial_channel_attention import SpatialChannelAttention
from vqa_keras.layers.stacked_attention import StackedAttention
from vqa_keras.layers.transformer_decoder_block import TransformerDecoderBlock
from vqa_keras.layers.transformer_encoder_block import TransformerEncoderBlock
from vqa_keras.layers.word_encoder import WordEncoder
