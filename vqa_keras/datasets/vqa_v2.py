"""Reads VQA v2, the official open-ended questions; see `vqa_official`."""

from vqa_keras.datasets.vqa_official import ARGUMENTS
from vqa_keras.datasets.vqa_official import OfficialReader

NAME = "vqa_v2"
ANSWER_RULE = "vqa"
__all__ = ["ARGUMENTS", "NAME", "find", "read"]

_READER = OfficialReader(
    NAME,
    "v2_OpenEnded_mscoco_{}_questions.json",
    "v2_mscoco_{}_annotations.json",
    "v2_mscoco_{}_complementary_pairs.json",
)
find = _READER.find
read = _READER.read
