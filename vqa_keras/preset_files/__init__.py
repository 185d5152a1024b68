"""Writes the files of a preset, and checks them against its results.json."""

from vqa_keras.preset_files.staged import size_of
from vqa_keras.preset_files.staged import staged
from vqa_keras.preset_files.stated import MAX_BYTES
from vqa_keras.preset_files.stated import RESULTS
from vqa_keras.preset_files.stated import check
from vqa_keras.preset_files.stated import check_results
from vqa_keras.preset_files.stated import checked
from vqa_keras.preset_files.stated import describe
from vqa_keras.preset_files.stated import write_results

__all__ = [
    "MAX_BYTES",
    "RESULTS",
    "check",
    "check_results",
    "checked",
    "describe",
    "size_of",
    "staged",
    "write_results",
]
