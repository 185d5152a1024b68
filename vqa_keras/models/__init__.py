from vqa_keras.models.answer import Answer
from vqa_keras.models.losses import AnswerBinaryCrossentropy
from vqa_keras.models.stacked_backbone import StackedBackbone
from vqa_keras.models.stacked_vqa import StackedVQA
from vqa_keras.models.vqa import VQA
from vqa_keras.models.vqa_backbone import VQABackbone
from vqa_keras.models.vqa_preprocessor import VQAPreprocessor
