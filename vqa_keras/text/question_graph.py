"""The question tokenizer as a graph of core TensorFlow operations.

A SavedModel with a single operation of tensorflow_text cannot be loaded
without that library, so there is none here. Functions import TensorFlow when
they are called, since the rest of the package does without.
"""

from typing import NamedTuple

from vqa_keras.text import characters
from vqa_keras.text.normalize import decomposed

# The value of the character table for characters that stay as they are.
_SAME = "\0"


class Tables(NamedTuple):
    """Lookup tables of a tokenizer, which a saved graph must hold.

    Attributes:
        characters: from a character to its replacement.
        classes: from a mark to its canonical combining class; 0 for others.
        words: from a word to its id; 1 for others.
    """

    characters: object
    classes: object
    words: object


def lookup_tables(ids, strip_accents):
    """Returns the `Tables` of a dict from word to id."""
    table = characters.character_table(strip_accents)
    replacements = {
        chr(code): text
        for code, text in table.items()
        if not 0xD800 <= code <= 0xDFFF  # lone surrogates, of Python only
    }
    words = {decomposed(word): id for word, id in ids.items()}
    return Tables(
        _lookup(replacements, "string", default=_SAME),
        _lookup(characters.combining_classes(), "int32", default=0),
        _lookup(words, "int32", default=1),
    )


def token_ids(questions, tables, sequence_length):
    """Returns the ids of the words of questions.

    Args:
        questions: string tensor of any shape.
        tables: `Tables`.
        sequence_length: int. Number N of ids per question.

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
        words = _split(tf.reshape(questions, [-1]), tables)  # (B, words)
        # A longer question keeps its end.
        ids = words.with_flat_values(tables.words.lookup(words.flat_values))
        ids = ids[:, -sequence_length:]
        padded = ids.to_tensor(shape=(None, sequence_length))  # (B, N)
        # A question without a word is the unknown word.
        empty = tf.cast(words.row_lengths() == 0, "int32")[:, None]
        padded += tf.pad(empty, [[0, 0], [0, sequence_length - 1]])
        shape = tf.concat([tf.shape(questions), [sequence_length]], axis=0)
        return tf.ensure_shape(
            tf.reshape(padded, shape), questions.shape + [sequence_length]
        )


def _split(texts, tables):
    """Returns the words of texts (B,), decomposed, as a ragged tensor."""
    import tensorflow as tf

    chars = tf.strings.unicode_split(texts, "UTF-8", errors="replace")
    new = tables.characters.lookup(chars.flat_values)
    new = tf.where(new == _SAME, chars.flat_values, new)
    texts = tf.strings.reduce_join(chars.with_flat_values(new), axis=-1)
    texts = _order_marks(texts, tables.classes)
    for pattern, replacement in characters.patterns():
        texts = tf.strings.regex_replace(texts, pattern, replacement)
    return tf.strings.split(texts)


def _order_marks(texts, classes):
    """Puts the marks of each letter into canonical order."""
    import tensorflow as tf

    chars = tf.strings.unicode_split(texts, "UTF-8")
    places = tf.cast(classes.lookup(chars.flat_values), "int64")

    def ordered():
        # One number per letter: it rises with each letter and each row.
        letters = tf.cumsum(tf.cast(places == 0, "int64"))
        letters += tf.cast(chars.value_rowids(), "int64")
        order = tf.argsort(letters * 256 + places, stable=True)
        sorted_chars = tf.gather(chars.flat_values, order)
        return tf.strings.reduce_join(
            chars.with_flat_values(sorted_chars), axis=-1
        )

    return tf.cond(tf.reduce_any(places > 0), ordered, lambda: texts)


def _lookup(entries, dtype, default):
    import tensorflow as tf

    # Out of the graph that may be traced now, so that the table outlives it.
    with tf.init_scope(), tf.device("cpu"):
        initializer = tf.lookup.KeyValueTensorInitializer(
            tf.constant(list(entries), "string"),
            tf.constant(list(entries.values()), dtype),
        )
        return tf.lookup.StaticHashTable(initializer, default)
