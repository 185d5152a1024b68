"""Exports tasks as SavedModels that stand alone."""

from vqa_keras.serving.export import export
