"""`load`, the one-line form of `Records.load`."""

import os
from typing import Any

import tensorflow as tf

from vqa_keras.data.records_folder import Records
from vqa_keras.renamed import refuse_old_arguments


def load(
    folder: str | os.PathLike[str], split: str, batch_size: int, **options: Any
) -> tf.data.Dataset:
    """Returns `Records(folder).load(split, batch_size, **options)`.

    See `Records.load`, which describes the batches, the options and the order
    of every epoch.

    Example:
    ```python
    train = vqa_keras.data.load("records", "train", 256, shuffle=True)
    task.fit(train, epochs=10)
    ```
    """
    refuse_old_arguments("load", options)
    return Records(folder).load(split, batch_size, **options)
