"""Reads OK-VQA, questions that need outside knowledge; see `vqa_official`.

The files have the names of VQA v1, those of train2014 and val2014:

    OpenEnded_mscoco_train2014_questions.json
    mscoco_train2014_annotations.json

Each annotation has ten answers, wrapped here. `answer`, which the official
accuracy compares, is the answer; `raw_answer`, as it was typed, is not read:

    {"answer_id": 1, "raw_answer": "riding horses", "answer": "ride horse",
     "answer_confidence": "yes"}

`question_type` is a code of the file, such as "four", for a field of
knowledge.

Reference:
    [Marino et al., 2019](https://arxiv.org/abs/1906.00067).
"""

from vqa_keras.datasets.vqa_official import ARGUMENTS
from vqa_keras.datasets.vqa_official import OfficialReader

NAME = "okvqa"
ANSWER_RULE = "text"
__all__ = ["ANSWER_RULE", "ARGUMENTS", "NAME", "find", "read"]

_READER = OfficialReader(
    NAME,
    "OpenEnded_mscoco_{}_questions.json",
    "mscoco_{}_annotations.json",
)
find = _READER.find
read = _READER.read
