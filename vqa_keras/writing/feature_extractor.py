"""Runs a CNN over the images of a shard, in batches of one size."""

import os
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from vqa_keras.image_encoders.resize import resize


class FeatureExtractor:
    """Computes the grids of images with a saved image encoder.

    Every batch has the same shape: the last one is padded with black images.
    The grid of an image therefore depends on its position in the shard only,
    not on how a runner bundles its work.

    Args:
        path: str or path, `.keras` file of the image encoder.
        levels: list of str, one per output of the encoder.
        batch_size: int, images per batch.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        levels: Sequence[str],
        batch_size: int,
    ):
        # Registers custom layers that the file may contain.
        import vqa_keras.image_encoders  # noqa: F401

        self.model: Any = keras.saving.load_model(path, compile=False)
        self.model.compile(jit_compile=False)  # XLA gains nothing on a CPU
        self.levels = levels
        self.batch_size = batch_size
        self.image_size = tuple(self.model.input_shape[1:3])

    def __call__(
        self, images: Sequence[np.ndarray]
    ) -> list[dict[str, np.ndarray]]:
        """Computes the grids of one batch.

        Args:
            images: list of at most `batch_size` uint8 arrays `(H, W, 3)`.

        Returns:
            List of `{level: array (h, w, C)}`, one per image.
        """
        shape = (self.batch_size, *self.image_size, 3)
        batch = np.zeros(shape, "float32")
        for i, image in enumerate(images):
            batch[i] = resize(image, self.image_size)
        outputs = self.model.predict_on_batch(batch)
        if not isinstance(outputs, dict):
            outputs = {self.levels[0]: outputs}
        return [
            {level: np.asarray(outputs[level][i]) for level in self.levels}
            for i in range(len(images))
        ]
