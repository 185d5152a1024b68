"""Exports tasks as SavedModels that need only TensorFlow."""

from vqa_keras.serving.export import export
