"""`token_ids`, the questions of a split without their images."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from vqa_keras.data.epoch_plan import plan_epoch
from vqa_keras.data.records_folder import Records

_BLOCK = 64  # records that one call parses


def token_ids(
    records: Records, split: str, *, in_vocabulary_only: bool = False
) -> np.ndarray:
    """Returns the token ids of a split's questions.

    Args:
        records: `Records`.
        split: name of the split, such as "train".
        in_vocabulary_only: whether to leave out questions whose answer is
            outside the vocabulary.

    Returns:
        int32 array, `(Q, N)`, 0 at padding, in the order of
        `records.questions(split)`.

    Raises:
        UserError: as `Records.questions`.

    Example:
    ```python
    records = vqa_keras.data.Records("records")
    ngrams = vqa_keras.text.count_ngrams(
        vqa_keras.data.token_ids(records, "train"), len(records.vocabulary)
    )
    ```
    """
    records.files.verify(split)
    plan = plan_epoch(records.files, split, (0, 1), in_vocabulary_only, None)
    length = records.info.sequence_length
    features = {
        "token_ids": tf.io.FixedLenFeature([], tf.string),
        "answer_ids": tf.io.RaggedFeature(tf.int64),
    }
    blocks = [np.zeros((0, length), "int32")]
    for path, take, _ in plan.parts:
        # Features are read but not parsed: Python's protobuf would copy them.
        shard = tf.data.TFRecordDataset(path).take(take).batch(_BLOCK)
        for block in _blocks(records, shard):
            parsed = tf.io.parse_example(block, features)
            raw = b"".join(parsed["token_ids"].numpy().tolist())
            ids = np.frombuffer(raw, "<i4").reshape(-1, length)
            if in_vocabulary_only:
                ids = ids[parsed["answer_ids"].flat_values.numpy() >= 0]
            blocks.append(ids)
    return np.concatenate(blocks).astype("int32")


def _blocks(records: Records, shard: tf.data.Dataset) -> Iterator[np.ndarray]:
    with records.files.naming_damage():
        yield from shard.as_numpy_iterator()
