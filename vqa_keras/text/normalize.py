"""Normalizes questions character by character, equally in every runtime.

The whole normalization is one table from a character to its replacement. A
dict applies it in Python, a lookup table in a TensorFlow graph. Both give the
same words, because no rule depends on neighboring characters.
"""

import functools
import unicodedata

APOSTROPHES = frozenset(
    "'`\u00b4\u02b9\u02bb\u02bc\u02bd\u055a\u2018\u2019\u201b\u2032\uff07"
)
# The fraction slash and the replacement character of invalid UTF-8.
_SPACES = frozenset("\u2044\ufffd")
# Invisible, but not of the category of format characters.
_INVISIBLE = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f"
) | frozenset(map(chr, [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]))
_DROPPED = APOSTROPHES | _INVISIBLE
_IDEOGRAPHS = frozenset(
    map(
        chr,
        [
            *range(0x3400, 0x4DC0),
            *range(0x4E00, 0xA000),
            *range(0xF900, 0xFB00),
        ],
    )
)
_PICTOGRAPHS = range(0x1F000, 0x1FB00)  # with those not assigned yet
_LETTERS_AND_DIGITS = frozenset(
    ["Ll", "Lm", "Lo", "Lt", "Lu", "Nd", "Nl", "No"]
)
_SPACE_CATEGORIES = frozenset(
    ["Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps"]
    + ["Zl", "Zp", "Zs", "Cc", "Cs", "Sk"]
)
_CODE_POINTS = (*range(0x20000), *range(0xE0000, 0xE0200))


def normalize(text):
    """Normalizes a question to words separated by single spaces.

    - Folds case and decomposes compatibility forms (NFKD): full-width letters,
      ligatures, superscripts, the German sharp s ("ss").
    - Drops accents, Hebrew points, Arabic vowel signs, and invisible and format
      characters (joiners, direction marks, soft hyphens). Keeps marks that form
      another letter in Indic scripts, Thai and kana.
    - Drops apostrophes and prime marks: "what's" is the word "whats".
    - Replaces other punctuation, spaces, control characters and U+FFFD by
      spaces.
    - Makes each symbol, emoji and CJK ideograph a word. Drops the skin tone of
      an emoji and splits a joined sequence into its parts.

    The result stays decomposed, so that a Hangul syllable gives the same word
    whether it is written as one character or as three. Ideographs beyond
    U+1FFFF (rare characters) stay inside their word.

    Args:
        text: str.

    Returns:
        str. Normalizing it again does not change it.

    Example:
    >>> normalize("What's the T-shirt's color?")
    'whats the t shirts color'
    """
    return " ".join(split(text))


def split(text):
    """Normalizes a question and splits it into words.

    Args:
        text: str.

    Returns:
        list of str, the words of `normalize(text)`.

    Example:
    >>> split("Is it red?")
    ['is', 'it', 'red']
    """
    return text.translate(_table()).split()


def character_table():
    """Returns the replacements of `normalize`.

    Characters that `normalize` keeps have no entry, and no replacement holds a
    character that itself is replaced. Lone surrogates, which only Python
    strings can hold, are left out. The Unicode version is that of the running
    Python; a saved graph keeps the table with which it was saved.

    Returns:
        dict, character -> str.
    """
    return {
        chr(code): replacement
        for code, replacement in _table().items()
        if not 0xD800 <= code <= 0xDFFF
    }


@functools.cache
def _table():
    table = {}
    for code in _CODE_POINTS:
        char = chr(code)
        replacement = _replacement(char)
        if replacement != char:
            table[code] = replacement
    return table


def _replacement(char):
    if char in _DROPPED:
        return ""
    folded = _fold(char)
    if folded == char:
        return _keep(char)
    text = "".join(map(_keep, folded))
    if _stands_alone(char):
        text = f" {text} "
    left = " " if text.startswith(" ") else ""
    right = " " if text.endswith(" ") else ""
    return f"{left}{' '.join(text.split())}{right}" if text.split() else text


def _fold(char):
    text = unicodedata.normalize("NFKD", char).casefold()
    return unicodedata.normalize("NFKD", text)


def _stands_alone(char):
    """Returns whether a symbol or vulgar fraction forms its own word."""
    is_fraction = unicodedata.decomposition(char).startswith("<fraction>")
    return is_fraction or unicodedata.category(char)[0] == "S"


def _keep(char):
    """Returns the replacement of `char`, which folds to itself."""
    if char in _DROPPED:
        return ""
    if char in _IDEOGRAPHS:
        return f" {char} "
    category = unicodedata.category(char)
    if category in _LETTERS_AND_DIGITS:
        return char
    if category == "Cf" or category[0] == "M" and _is_accent(char, category):
        return ""
    if category in _SPACE_CATEGORIES or char in _SPACES:
        return " "
    if category[0] == "S" or ord(char) in _PICTOGRAPHS:
        return f" {char} "
    return char


def _is_accent(char, category):
    """Returns whether a mark decorates a letter; others form another letter.

    Canonical combining classes: 10-36 are the points of Hebrew, Arabic and
    Syriac; 200 and above are positions around the letter.
    """
    place = unicodedata.combining(char)
    return category == "Me" or 10 <= place <= 36 or place >= 200
