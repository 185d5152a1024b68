"""Records of images and questions: writing them and reading them back."""

from vqa_keras.data.dataset_info import DatasetInfo
from vqa_keras.data.load import load
from vqa_keras.data.load import read_images
from vqa_keras.data.load import steps_per_epoch
