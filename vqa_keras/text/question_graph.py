"""Tokenizes questions in a graph of core TensorFlow operations.

A SavedModel with an operation of tensorflow_text cannot be loaded without that
library, so this module has none. It imports TensorFlow inside its functions,
since the rest of the package does not need it.
"""

# The value of the character table for characters that are kept.
_SAME = "\0"


def character_lookup(table):
    """Returns a TensorFlow lookup table of character replacements.

    Args:
        table: dict, character -> replacement.
    """
    return _lookup(table, "string", default=_SAME)


def word_lookup(ids):
    """Returns a TensorFlow lookup table of word ids; 1 for unknown words.

    Args:
        ids: dict, word -> int.
    """
    return _lookup(ids, "int32", default=1)


def token_ids(questions, characters, words, sequence_length):
    """Computes the ids of the words of questions.

    Args:
        questions: string tensor of any shape.
        characters: table of `character_lookup`.
        words: table of `word_lookup`.
        sequence_length: int. Number N of ids per question.

    Returns:
        int32 tensor, `(*questions.shape, N)`.

    Raises:
        ValueError: if `questions` is not a string tensor.
    """
    import tensorflow as tf

    with tf.device("cpu"):
        questions = tf.convert_to_tensor(questions)
        if questions.dtype != tf.string:
            raise ValueError(
                f"Questions must be strings. Received: {questions.dtype}"
            )
        flat = tf.reshape(questions, [-1])  # (B,)
        chars = tf.strings.unicode_split(flat, "UTF-8", errors="replace")
        new = characters.lookup(chars.flat_values)
        new = tf.where(new == _SAME, chars.flat_values, new)
        text = tf.strings.reduce_join(chars.with_flat_values(new), axis=-1)
        found = tf.strings.split(text)  # (B, number of words)
        ids = found.with_flat_values(words.lookup(found.flat_values))
        padded = ids.to_tensor(shape=(None, sequence_length))  # (B, N)
        # A question without words gets the id of the unknown word.
        empty = tf.cast(found.row_lengths() == 0, "int32")[:, None]
        padded += tf.pad(empty, [[0, 0], [0, sequence_length - 1]])
        shape = tf.concat([tf.shape(questions), [sequence_length]], axis=0)
        return tf.ensure_shape(
            tf.reshape(padded, shape), questions.shape + [sequence_length]
        )


def _lookup(entries, dtype, default):
    import tensorflow as tf

    # Outside of a graph that is being traced, so that the table outlives it.
    with tf.init_scope(), tf.device("cpu"):
        initializer = tf.lookup.KeyValueTensorInitializer(
            tf.constant(list(entries), "string"),
            tf.constant(list(entries.values()), dtype),
        )
        return tf.lookup.StaticHashTable(initializer, default)
