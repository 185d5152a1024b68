"""Writes a data set as records: `write_records` and its Beam transforms.

    vqa_keras.writing.write_records(options, dataset="jsonl", ...)

The first use of the function imports Apache Beam.
"""

from typing import Any


def __getattr__(name: str) -> Any:
    if name == "write_records":
        from vqa_keras.writing.records_pipeline import write_records

        return write_records
    raise AttributeError(
        f"module 'vqa_keras.writing' has no attribute {name!r}"
    )
