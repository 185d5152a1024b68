"""Reads VQA v1, the official open-ended questions; see `vqa_official`."""

from vqa_keras.datasets.vqa_official import ARGUMENTS
from vqa_keras.datasets.vqa_official import OfficialReader

NAME = "vqa_v1"
ANSWER_RULE = "vqa"
__all__ = ["ARGUMENTS", "NAME", "find", "read"]

_READER = OfficialReader(
    NAME,
    "OpenEnded_mscoco_{}_questions.json",
    "mscoco_{}_annotations.json",
)
find = _READER.find
read = _READER.read
