"""Imports what commands import, for the forks to start with."""

import importlib

_MODULES = (
    "apache_beam.runners.portability.fn_api_runner",
    "vqa_keras.data",
    "vqa_keras.models",
    "vqa_keras.runs.evaluation",
    "vqa_keras.runs.run",
    "vqa_keras.runs.train_seeds",
    "vqa_keras.serving",
    "vqa_keras.visualization",
    "vqa_keras.writing.records_pipeline",
    "vqa_keras.writing.region_features",
)


def preload():
    """Imports the modules; nothing is computed."""
    for module in _MODULES:
        importlib.import_module(module)
