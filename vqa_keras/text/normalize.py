"""Splits questions into words, in Python as in a TensorFlow graph."""

import functools
import re
import unicodedata

from vqa_keras.text import characters


def normalize(text, strip_accents=False):
    """Normalizes a question to words separated by single spaces.

    - Folds case and decomposes compatibility forms (NFKD): full-width letters,
      ligatures, superscripts, the German sharp s ("ss").
    - Letters keep their marks, which make other words in many languages, and
      composed and decomposed text give the same words. Hebrew points, Arabic
      vowel signs, and invisible and format characters (joiners, direction
      marks, soft hyphens) are dropped.
    - Drops apostrophes and prime marks: "what's" is the word "whats".
    - Replaces other punctuation, spaces, control characters and U+FFFD by
      spaces.
    - Makes each symbol and emoji a word, and each letter of a script that is
      written without spaces (Han, kana, Thai, Lao, Khmer, Burmese), with its
      marks. Drops the skin tone of an emoji and splits a joined sequence into
      its parts.

    Args:
        text: str.
        strip_accents: bool. Whether accents are dropped: "cafe" for a cafe with
            an acute. Defaults to `False`.

    Returns:
        str in NFC, for which `normalize(normalize(text)) == normalize(text)`.

    Example:
    >>> normalize("What's the  Color?")
    'whats the color'
    """
    return " ".join(split(text, strip_accents))


def split(text, strip_accents=False):
    """Returns the words of `normalize(text, strip_accents)` as a list."""
    text = text.translate(characters.character_table(strip_accents))
    if text.isascii():
        return text.split()
    text = decomposed(text)  # the table has decomposed it: orders the marks
    for pattern, replacement in _patterns():
        text = pattern.sub(replacement, text)
    return unicodedata.normalize("NFC", text).split()


def decomposed(word):
    """Returns the form in which a graph compares words, NFD."""
    return unicodedata.normalize("NFD", word)


@functools.cache
def _patterns():
    pairs = characters.patterns()
    return [(re.compile(pattern), new) for pattern, new in pairs]
