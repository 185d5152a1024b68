"""The data sets that can be written as records, by name."""

from vqa_keras.data import easy_vqa
from vqa_keras.data import jsonl
from vqa_keras.data import sort_of_clevr
from vqa_keras.data import vqa_v1
from vqa_keras.data import vqa_v2

READERS = {
    reader.NAME: reader
    for reader in (jsonl, vqa_v1, vqa_v2, easy_vqa, sort_of_clevr)
}
