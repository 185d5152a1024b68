"""Names the shard where reading fails: TensorFlow's errors do not."""

from typing import Any

import tensorflow as tf

from vqa_keras.data.record_files import RecordFiles


def guard(dataset: tf.data.Dataset, files: RecordFiles) -> tf.data.Dataset:
    """Returns the dataset, whose loops raise a `UserError` for a bad shard.

    Iterators remain those of TensorFlow, which `fit` passes into a graph:
    `VQA.fit` guards that.

    Args:
        dataset: `tf.data.Dataset` of the records.
        files: `RecordFiles` of the records.
    """
    kind = type(dataset)

    def start(self: Any) -> Any:
        iterator: Any = kind.__iter__(self)
        if tf.executing_eagerly():
            iterator.__class__ = _guarded(type(iterator), files)
        return iterator

    dataset.__class__ = type(kind.__name__, (kind,), {"__iter__": start})
    return dataset


def _guarded(kind: type, files: RecordFiles) -> type:
    def proceed(self: Any) -> Any:
        with files.naming_damage():
            return kind.__next__(self)

    return type(kind.__name__, (kind,), {"__next__": proceed})
