"""The question tokenizer as a graph of core TensorFlow operations.

A SavedModel with a single operation of tensorflow_text cannot be loaded at
all without that library, so there is none here. TensorFlow is imported when
a function is called, since the rest of the package does without.
"""

# What the character table answers for characters that stay as they are.
_SAME = "\0"


def character_lookup(table):
    """Returns a lookup table of a dict from character to replacement."""
    return _lookup(table, "string", default=_SAME)


def word_lookup(ids):
    """Returns a lookup table of a dict from word to id; 1 for other words."""
    return _lookup(ids, "int32", default=1)


def token_ids(questions, characters, words, sequence_length):
    """Returns the ids of the words of questions.

    Args:
        questions: string tensor of any shape.
        characters: see `character_lookup`.
        words: see `word_lookup`.
        sequence_length: int. Number N of ids of every question.

    Returns:
        int32 tensor, `(*questions.shape, N)`.
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
        # A question without a word is the unknown word.
        empty = tf.cast(found.row_lengths() == 0, "int32")[:, None]
        padded += tf.pad(empty, [[0, 0], [0, sequence_length - 1]])
        shape = tf.concat([tf.shape(questions), [sequence_length]], axis=0)
        return tf.ensure_shape(
            tf.reshape(padded, shape), questions.shape + [sequence_length]
        )


def _lookup(entries, dtype, default):
    import tensorflow as tf

    # Out of the graph that may be traced now, so that the table outlives it.
    with tf.init_scope(), tf.device("cpu"):
        initializer = tf.lookup.KeyValueTensorInitializer(
            tf.constant(list(entries), "string"),
            tf.constant(list(entries.values()), dtype),
        )
        return tf.lookup.StaticHashTable(initializer, default)
