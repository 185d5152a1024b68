"""Vocabularies: words in the order of their ids, one a line in a file."""

import pathlib

from vqa_keras.errors import UserError
from vqa_keras.files import write_atomically

PAD = "[PAD]"
UNKNOWN = "[UNK]"


def build_vocabulary(counts, min_count=1, top_k=None):
    """Returns the counted words, the most frequent first.

    Args:
        counts: mapping from a word or an answer to how often it occurs, in
            the training split only.
        min_count: int. Rarer words are left out.
        top_k: optional int. At most so many words are kept.

    Returns:
        A list of strings; equally frequent ones are in code point order, so
        that the order of `counts` does not matter.

    Raises:
        ValueError: if `min_count` or `top_k` is less than 1.
    """
    if min_count < 1:
        raise ValueError(
            f"`min_count` must be at least 1. Received: {min_count}"
        )
    if top_k is not None and top_k < 1:
        raise ValueError(f"`top_k` must be at least 1. Received: {top_k}")
    kept = [word for word, count in counts.items() if count >= min_count]
    return sorted(kept, key=lambda word: (-counts[word], word))[:top_k]


def question_vocabulary(counts, min_count=1):
    """Returns the vocabulary of a `QuestionTokenizer` from word counts.

    Args:
        counts: mapping from a normalized word (see `split`) to its count.
        min_count: int. Rarer words are left out and become unknown words.

    Returns:
        A list of strings: "[PAD]" (id 0), "[UNK]" (id 1), then the words.
    """
    return [PAD, UNKNOWN, *build_vocabulary(counts, min_count)]


def read_vocabulary(path):
    """Returns the lines of a vocabulary file as a list of strings.

    Raises:
        UserError: if the file is missing, is not UTF-8, or has an empty or a
            doubled line.
    """
    path = pathlib.Path(path)
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise UserError(
            f"A vocabulary file was needed at {path}. Received: "
            f"{error.strerror}"
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"The vocabulary {path} must be UTF-8 text. Received: {error}"
        ) from error
    text = text.replace("\r\n", "\n")
    words = text.removesuffix("\n").split("\n") if text else []
    _check(words, f"The vocabulary {path}")
    return words


def write_vocabulary(path, words):
    """Writes a vocabulary file: UTF-8, one word a line, line number = id.

    The file appears under its name only when it is whole.

    Raises:
        UserError: if a word is empty, doubled, or cannot be one line of text.
    """
    path = pathlib.Path(path)
    words = list(words)
    _check(words, f"The vocabulary for {path}")
    write_atomically(path, (f"{word}\n" for word in words))


def _check(words, what):
    seen = set()
    for number, word in enumerate(words, start=1):
        if not word or word in seen:
            problem = "doubled" if word else "empty"
            raise UserError(
                f"{what} must have a different word on every line. Received: "
                f"{problem} line {number}, {word!r}"
            )
        if "\n" in word or "\r" in word or not _is_unicode(word):
            raise UserError(
                f"{what} needs words that can be written as one line of UTF-8 "
                f"text. Received: {word!r}"
            )
        seen.add(word)


def _is_unicode(word):
    """Whether `word` has no lone surrogate, which no encoding can write."""
    return not any("\ud800" <= char <= "\udfff" for char in word)
