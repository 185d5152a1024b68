"""Attention for Visual Question Answering, in Keras 3.

    task = vqa_keras.models.VQA.from_preset("stacked_easy_vqa")
    train = vqa_keras.data.load("records", "train", batch_size=256)

Importing the package registers its layers and models with Keras, so that
`keras.saving.load_model` loads their files. Modules that need TensorFlow are
imported on first use.
"""

import importlib

from vqa_keras import image_encoders
from vqa_keras import layers
from vqa_keras import models
from vqa_keras import presets
from vqa_keras import text

_ON_FIRST_USE = (
    "data",
    "datasets",
    "metrics",
    "runs",
    "serving",
    "visualization",
    "writing",
    "zoo",
)


def __getattr__(name):
    if name in _ON_FIRST_USE:
        return importlib.import_module(f"vqa_keras.{name}")
    raise AttributeError(f"module 'vqa_keras' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_ON_FIRST_USE])
