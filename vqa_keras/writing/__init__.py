"""From a data set to records: `write_records`, and the Beam transforms in it.

    vqa_keras.writing.write_records(options, dataset="jsonl", ...)

Apache Beam is imported when the function is first used.
"""

from typing import Any


def __getattr__(name: str) -> Any:
    if name == "write_records":
        from vqa_keras.writing.records_pipeline import write_records

        return write_records
    raise AttributeError(
        f"module 'vqa_keras.writing' has no attribute {name!r}"
    )
