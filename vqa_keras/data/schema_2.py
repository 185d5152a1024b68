"""Reads what `dataset_info.json` held in version 0.1, schema version 2."""

from typing import Any

VERSION = 2

_RENAMED = {"answerable": "in_vocabulary"}


def convert(values: dict[str, Any]) -> dict[str, Any]:
    """Returns the JSON object of schema version 2 as one of version 3.

    What has not the type of version 2 is left as it is, for the checks of
    version 3.

    Args:
        values: the parsed file.
    """
    features = values.get("image_encoder")
    splits = values.get("splits")
    if isinstance(features, dict):
        features = _features(features)
    if isinstance(splits, dict):
        splits = {name: _split(split) for name, split in splits.items()}
    others = {k: v for k, v in values.items() if k != "image_encoder"}
    return {**others, "features": features, "splits": splits}


def _features(encoder: dict[str, Any]) -> dict[str, Any]:
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
