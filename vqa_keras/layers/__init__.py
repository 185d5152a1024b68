"""Attention mechanisms, one a file, for every Keras backend."""

from vqa_keras.layers.parametric_attention import ParametricAttention
from vqa_keras.layers.question_encoder import QuestionEncoder
from vqa_keras.layers.region_normalization import RegionNormalization
from vqa_keras.layers.stacked_attention import StackedAttention
