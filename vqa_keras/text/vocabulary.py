"""Builds, reads and writes vocabularies, one word per line in id order."""

import hashlib
import pathlib

from vqa_keras.errors import UserError
from vqa_keras.files import write_atomically
from vqa_keras.text.normalize import split

PAD = "[PAD]"
UNKNOWN = "[UNK]"


def build_vocabulary(counts, min_count=1, top_k=None):
    """Returns the words of a vocabulary, the most frequent first.

    Args:
        counts: mapping, word or answer -> number of its occurrences in the
            training split.
        min_count: int. Rarer words are left out. Defaults to 1.
        top_k: int. Maximum number of words. Defaults to `None`, no limit.

    Returns:
        list of str. Equally frequent words are in code point order, so that
        the order of `counts` does not matter.

    Raises:
        ValueError: if `min_count` or `top_k` is less than 1.

    Example:
    >>> build_vocabulary({"no": 2, "yes": 3, "maybe": 1}, min_count=2)
    ['yes', 'no']
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
    """Builds the vocabulary of a `QuestionTokenizer` from word counts.

    Args:
        counts: mapping, normalized word (see `split`) -> number of its
            occurrences in the training split.
        min_count: int. Rarer words are left out and become unknown words.
            Defaults to 1.

    Returns:
        list of str: "[PAD]" (id 0), "[UNK]" (id 1), then the words.

    Raises:
        ValueError: if `min_count` is less than 1.

    Example:
    >>> question_vocabulary({"what": 3, "color": 2})
    ['[PAD]', '[UNK]', 'what', 'color']
    """
    return [PAD, UNKNOWN, *build_vocabulary(counts, min_count)]


def check_question_vocabulary(words, strip_accents=False):
    """Raises ValueError for words that no question could match.

    Args:
        words: list of str, "[PAD]", "[UNK]" and words in normal form.
        strip_accents: bool, as of the tokenizer. Defaults to `False`.
    """
    special = [PAD, UNKNOWN]
    if words[:2] != special:
        raise ValueError(
            f"The vocabulary must begin with {special}. Received: {words[:2]}"
        )
    seen = set()
    for word in words[2:]:
        if not word or word in seen or word in special:
            raise ValueError(
                "The words of the vocabulary must be distinct and not empty. "
                f"Received: {word!r}"
            )
        if split(word, strip_accents) != [word]:
            raise ValueError(
                "The words of the vocabulary must be single words in normal "
                "form (see `vqa_keras.text.normalize`) to match a question. "
                f"Received: {word!r}"
            )
        seen.add(word)


def read_vocabulary(path):
    """Reads a vocabulary file.

    Args:
        path: str or path.

    Returns:
        list of str, its lines.

    Raises:
        UserError: if the file is missing or not UTF-8, or has an empty or a
            duplicate line.
    """
    path = pathlib.Path(path)
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise UserError(
            f"{path} must be a readable vocabulary file. Received: "
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
    """Writes a vocabulary file: UTF-8, one word per line, in id order.

    The file appears under its name only when it is complete.

    Args:
        path: str or path, in an existing folder.
        words: iterable of str.

    Raises:
        UserError: if a word is empty, duplicate or not one line of text, or
            the file cannot be written.
    """
    path = pathlib.Path(path)
    words = list(words)
    _check(words, f"The vocabulary for {path}")
    write_atomically(path, (f"{word}\n" for word in words))


def vocabulary_sha256(words):
    """Returns the hex sha256 of words in their order: that of their file.

    Args:
        words: iterable of str.

    Returns:
        str, the hash of what `write_vocabulary` writes.
    """
    text = "".join(f"{word}\n" for word in words)
    return hashlib.sha256(text.encode()).hexdigest()


def check_same_words(needed, received, what):
    """Raises UserError if two vocabularies differ, in order or in a word.

    Args:
        needed: list of str, the vocabulary of a model.
        received: list of str, that of records.
        what: str, the name of `received` for the message.
    """
    if list(needed) == list(received):
        return
    difference = ""
    for i, (a, b) in enumerate(zip(needed, received, strict=False)):
        if a != b:
            difference = f"; entry {i} is {b!r} instead of {a!r}"
            break
    raise UserError(
        f"{what} must be the vocabulary of the model, {len(needed)} entries. "
        f"Received: {len(received)} entries{difference}. write_records "
        "--vocabularies=RUN writes records with the vocabularies of a run"
    )


def _check(words, what):
    seen = set()
    for number, word in enumerate(words, start=1):
        if not word or word in seen:
            problem = "duplicate" if word else "empty"
            raise UserError(
                f"{what} must have a different word on every line. Received: "
                f"{problem} line {number}, {word!r}"
            )
        if "\n" in word or "\r" in word or not _is_unicode(word):
            raise UserError(
                f"{what} must have words that are one line of UTF-8 text. "
                f"Received: {word!r}"
            )
        seen.add(word)


def _is_unicode(word):
    """Returns whether `word` has no lone surrogate, so that UTF-8 holds it."""
    return not any("\ud800" <= char <= "\udfff" for char in word)
