"""Computes the hash of a JSON object that a file states of itself."""

import hashlib
import json


def json_sha256(values):
    """Computes the sha256 of a JSON object, without its key "sha256".

    Args:
        values: dict of JSON values, in the order of the file.

    Returns:
        str of 64 hex digits.
    """
    others = {key: value for key, value in values.items() if key != "sha256"}
    text = json.dumps(others, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
