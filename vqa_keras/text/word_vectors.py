"""Reads pretrained word vectors in the text form of GloVe and fastText."""

import contextlib
import math

import numpy as np

from vqa_keras.errors import UserError
from vqa_keras.text.normalize import normalize


def read_word_vectors(path, words, strip_accents=False):
    """Reads the vectors of some words from a file of word vectors.

    A line has a word and the numbers of its vector, separated by spaces:

        color 0.0179 0.3442 -0.2013

    That is the form of GloVe. A first line of two whole numbers, the count and
    the width, is the header of fastText and word2vec. A word may contain spaces
    (some of GloVe's do). The vector of a word is that of the line which is
    spelled like it, or else of the first one that is equal after
    `vqa_keras.text.normalize`. Memory is that of the vectors of `words`.

    Args:
        path: str or path, UTF-8.
        words: iterable of str, normalized.
        strip_accents: bool, whether the words have lost their accents. Defaults
            to False.

    Returns:
        `vectors, width`: dict from word to float32 `(width,)`, and the width.

    Raises:
        UserError: if the file cannot be read, has lines of two widths, ends
            within a line, or holds numbers that are not finite; or if it has
            none of the words.
    """
    words = set(words)
    exact, folded, width, number = {}, {}, None, 0
    with _reading(path), open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            fields = line.rstrip().split(b" ")
            if number == 1 and len(fields) == 2 and line.split()[1].isdigit():
                width = int(fields[1])
                continue
            width = width or len(fields) - 1
            if len(fields) <= width or width < 2:
                raise UserError(
                    f"{path}, line {number}: it must be a word and "
                    f"{max(width, 2)} numbers, as every line. Received: "
                    f"{len(fields) - 1} numbers; the file may be cut short"
                )
            word = b" ".join(fields[:-width]).decode("utf-8")
            key = normalize(word, strip_accents)
            if len(fields) > width + 1:
                _check_word(path, number, fields[1:-width], width)
            if word in words and word not in exact:
                exact[word] = _vector(path, number, fields[-width:])
            elif key in words and key not in folded:
                folded[key] = _vector(path, number, fields[-width:])
    vectors = {**folded, **exact}
    if not vectors:
        raise UserError(
            f"{path} must have a word of the questions. Received: none of "
            f"their {len(words)} words in {number} lines"
        )
    return vectors, width


@contextlib.contextmanager
def _reading(path):
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{path} must be a readable file. Received: {error.strerror}"
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} must be UTF-8 text, a word and its numbers per line. "
            f"Received: the byte {error.object[error.start]:#x}"
        ) from error


def _check_word(path, number, fields, width):
    """Refuses a line of more numbers; a word with spaces has other text."""
    try:
        for field in fields:
            float(field)
    except ValueError:
        return
    raise UserError(
        f"{path}, line {number}: it must be a word and {width} numbers, as "
        f"every line. Received: {width + len(fields)} numbers"
    )


def _vector(path, number, values):
    try:
        vector = np.array([float(value) for value in values], "float32")
    except ValueError as error:
        raise UserError(
            f"{path}, line {number}: it must be a word and numbers. Received: "
            f"{error}"
        ) from error
    if not all(map(math.isfinite, vector)):
        raise UserError(
            f"{path}, line {number}: its numbers must be finite. Received: "
            f"{vector}"
        )
    return vector
