"""The data sets that can be written as records, by name."""

from vqa_keras.datasets import easy_vqa
from vqa_keras.datasets import jsonl
from vqa_keras.datasets import sort_of_clevr
from vqa_keras.datasets import vqa_v1
from vqa_keras.datasets import vqa_v2

READERS = {
    reader.NAME: reader
    for reader in (jsonl, vqa_v1, vqa_v2, easy_vqa, sort_of_clevr)
}
