"""Backbones, one architecture per file, and `VQA`, their one task."""

from vqa_keras.models.answer import Answer
from vqa_keras.models.channel import ChannelBackbone
from vqa_keras.models.cnn_layer import CNNLayerBackbone
from vqa_keras.models.cosine import CosineBackbone
from vqa_keras.models.dense_symmetric import DenseSymmetricBackbone
from vqa_keras.models.dual import DualBackbone
from vqa_keras.models.ensemble import Ensemble
from vqa_keras.models.ensemble import ensemble
from vqa_keras.models.frozen_layers import freeze_layers
from vqa_keras.models.hierarchical import HierarchicalBackbone
from vqa_keras.models.independent import IndependentBackbone
from vqa_keras.models.intra_inter import IntraInterBackbone
from vqa_keras.models.joint import JointBackbone
from vqa_keras.models.jointly_conditioned import JointlyConditionedBackbone
from vqa_keras.models.losses import AnswerBinaryCrossentropy
from vqa_keras.models.multilevel import MultilevelBackbone
from vqa_keras.models.parametric import ParametricBackbone
from vqa_keras.models.pyramid_backbone import PyramidBackbone
from vqa_keras.models.question_only import QuestionOnlyBackbone
from vqa_keras.models.spatial_channel import SpatialChannelBackbone
from vqa_keras.models.stacked import StackedBackbone
from vqa_keras.models.transfer import Transferred
from vqa_keras.models.transfer import transfer
from vqa_keras.models.transformer import TransformerBackbone
from vqa_keras.models.vanilla import VanillaBackbone
from vqa_keras.models.vqa import VQA
from vqa_keras.models.vqa_backbone import Encoded
from vqa_keras.models.vqa_backbone import VQABackbone
from vqa_keras.models.vqa_preprocessor import VQAPreprocessor
from vqa_keras.renamed import missing_attribute


def __getattr__(name):
    raise missing_attribute(__name__, name)
