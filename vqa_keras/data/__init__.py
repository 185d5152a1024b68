"""Records of images and questions: the format, and reading it."""

from typing import NoReturn

from vqa_keras.data.dataset_info import DatasetInfo
from vqa_keras.data.load import load
from vqa_keras.data.records_folder import Records
from vqa_keras.data.token_ids import token_ids
from vqa_keras.renamed import missing_attribute


def __getattr__(name: str) -> NoReturn:
    raise missing_attribute(__name__, name)
