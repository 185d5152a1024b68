"""Records of images and questions: the format and reading it back."""

from vqa_keras.data.dataset_info import DatasetInfo
from vqa_keras.data.load import load
from vqa_keras.data.records_folder import Records

_MOVED = {
    "read_images": "Records(folder).images",
    "steps_per_epoch": "Records(folder).steps",
}


def __getattr__(name):
    message = f"module 'vqa_keras.data' has no attribute {name!r}"
    if name in _MOVED:
        message += f"; it is vqa_keras.data.{_MOVED[name]} now"
    raise AttributeError(message)
