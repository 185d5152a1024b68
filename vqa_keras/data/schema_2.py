"""Converts `dataset_info.json` of vqa_keras 0.1, schema version 2."""

from typing import Any

VERSION = 2

_RENAMED = {"answerable": "in_vocabulary"}


def convert(values: dict[str, Any]) -> dict[str, Any]:
    """Returns the JSON object of schema version 2 as one of version 3.

    Values of a wrong type are left unchanged, for the checks of version 3.

    Args:
        values: the parsed file.
    """
    values = dict(values)
    if "image_encoder" in values:
        values["features"] = _features(values.pop("image_encoder"))
    splits = values.get("splits")
    if isinstance(splits, dict):
        values["splits"] = {n: _split(split) for n, split in splits.items()}
    return values


def _features(encoder: Any) -> Any:
    if not isinstance(encoder, dict):
        return encoder
    of_a_cnn = {"weights": None, "pool": None, "l2_normalize": False}
    features = {"feature_dtype": "float16", **of_a_cnn, **encoder}
    features["dtype"] = features.pop("feature_dtype")
    features["source"] = "files" if encoder.get("file") is None else "cnn"
    return features


def _split(split: Any) -> Any:
    if not isinstance(split, dict):
        return split
    renamed = _with_new_names(split)
    if isinstance(renamed.get("shards"), list):
        renamed["shards"] = [_with_new_names(s) for s in renamed["shards"]]
    return renamed


def _with_new_names(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {_RENAMED.get(name, name): item for name, item in value.items()}
