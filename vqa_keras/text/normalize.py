"""Normalizes questions one character at a time, so that any runtime can.

The whole normalization is one table from a character to its replacement. A
dict applies it in Python, a lookup table in a TensorFlow graph, and both give
the same words, because no rule looks at a character's neighbors.
"""

import functools
import unicodedata

APOSTROPHES = frozenset(
    "'`\u00b4\u02b9\u02bb\u02bc\u02bd\u055a\u2018\u2019\u201b\u2032\uff07"
)
# The fraction slash, and what stands where bytes were no valid UTF-8.
_SPACES = frozenset("\u2044\ufffd")
# Invisible without being format characters: joiners, fillers, selectors.
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
_PICTOGRAPHS = range(0x1F000, 0x1FB00)  # assigned or not: new ones every year
_LETTERS_AND_DIGITS = frozenset(
    ["Ll", "Lm", "Lo", "Lt", "Lu", "Nd", "Nl", "No"]
)
_SPACE_CATEGORIES = frozenset(
    ["Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps"]
    + ["Zl", "Zp", "Zs", "Cc", "Cs", "Sk"]
)
_CODE_POINTS = (*range(0x20000), *range(0xE0000, 0xE0200))


def normalize(text):
    """Returns the words of `text` in their normal form, one space between.

    - Case is folded and compatibility forms are decomposed (NFKD): full-width
      letters, ligatures, superscripts, the German sharp s ("ss").
    - Accents, Hebrew points, Arabic vowel signs, and invisible and format
      characters (joiners, direction marks, soft hyphens) are dropped. Marks
      that make another letter in Indic scripts, Thai and kana stay.
    - Apostrophes and prime marks are dropped: "what's" is the word "whats".
    - Other punctuation, spaces, control characters and U+FFFD are spaces.
    - Symbols, emoji and CJK ideographs are words of their own. An emoji's
      skin tone is dropped and a joined sequence is the words it consists of.

    The result stays decomposed, so that a Hangul syllable written as one
    character and one written as three give the same word. Ideographs beyond
    U+1FFFF (rare characters) are left inside their word.

    Args:
        text: str.

    Returns:
        str, for which `normalize(normalize(text)) == normalize(text)`.
    """
    return " ".join(split(text))


def split(text):
    """Returns the words of `normalize(text)` as a list of strings."""
    return text.translate(_table()).split()


def character_table():
    """Returns what `normalize` replaces, a dict from character to string.

    Characters that stay as they are have no entry, and no replacement holds a
    character that has another one. Lone surrogates, which only Python strings
    can hold, are left out. The Unicode version is that of the running Python;
    a graph that was saved with the table keeps the saved one.
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
    """Whether "5" before the symbol or vulgar fraction `char` is a word."""
    is_fraction = unicodedata.decomposition(char).startswith("<fraction>")
    return is_fraction or unicodedata.category(char)[0] == "S"


def _keep(char):
    """What is left of `char`, a character that folds to itself."""
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
    """Whether the mark decorates a letter, and does not make another one.

    Canonical combining classes: 10-36 are the points of Hebrew, Arabic and
    Syriac, 200 and above stand for a place around the letter.
    """
    place = unicodedata.combining(char)
    return category == "Me" or 10 <= place <= 36 or place >= 200
