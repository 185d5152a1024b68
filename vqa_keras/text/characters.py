"""Tables of the normalization, for Python and for TensorFlow graphs alike.

`normalize` and `question_graph` apply them in one order: replace each
character, put the marks of each letter into canonical order, apply the
patterns. Nothing else decides what a word is.
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
_PICTOGRAPHS = range(0x1F000, 0x1FB00)  # with those not assigned yet
_LETTERS_AND_DIGITS = frozenset(
    ["Ll", "Lm", "Lo", "Lt", "Lu", "Nd", "Nl", "No"]
)
_SPACE_CATEGORIES = frozenset(
    ["Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps"]
    + ["Zl", "Zp", "Zs", "Cc", "Cs", "Sk"]
)
# Madda and hamza, which make other Arabic letters of alef, waw and yeh.
_ARABIC_LETTER_MARKS = frozenset("\u0653\u0654\u0655")
# Whose vowel signs, points and chant marks most texts leave out.
_POINTED_SCRIPTS = ("HEBREW", "ARABIC", "SYRIAC")
# Scripts that are written without spaces between words.
_UNSPACED = (
    range(0x0E00, 0x0F00),  # Thai, Lao
    range(0x1000, 0x10A0),  # Burmese
    range(0x1780, 0x1800),  # Khmer
    range(0x3005, 0x3008),  # the ideographic iteration mark, closing, zero
    range(0x3041, 0x3100),  # Hiragana, Katakana
    range(0x31F0, 0x3200),
    range(0x3400, 0x4DC0),  # Han
    range(0x4E00, 0xA000),
    range(0xA9E0, 0xAA00),
    range(0xAA60, 0xAA80),
    range(0xF900, 0xFB00),
    range(0x1AFF0, 0x1B170),
    range(0x20000, 0x33480),
)
_TABLE = (*range(0x20000), *range(0x2F800, 0x2FA20), *range(0xE0000, 0xE0200))


@functools.cache
def character_table(strip_accents=False):
    """Returns the replacement of each character, a dict from code to string.

    Characters that stay as they are have no entry, and no replacement holds a
    character that has another one. The Unicode version is that of the running
    Python; a graph that was saved with the table keeps the saved one.

    Args:
        strip_accents: bool. Whether accents are dropped.
    """
    table = {}
    for code in _TABLE:
        char = chr(code)
        replacement = _replacement(char, strip_accents)
        if replacement != char:
            table[code] = replacement
    return table


@functools.cache
def combining_classes():
    """Returns the canonical combining class of each mark that has one.

    Marks of one letter are equal in any order of classes: sorted by them,
    stably, they are in canonical order.
    """
    classes = ((chr(code), unicodedata.combining(chr(code))) for code in _TABLE)
    return {char: number for char, number in classes if number}


@functools.cache
def patterns():
    """Returns (pattern, replacement) pairs, in the syntax of `re` and RE2.

    1. The dot that lower-casing the Turkish capital I with dot leaves is
       dropped: both cases are one word.
    2. Each letter of a script without spaces is a word, with its marks.
    3. Marks without a letter before them are dropped.
    """
    marks = _ranges(
        code for code in _TABLE if unicodedata.category(chr(code))[0] == "M"
    )
    letters = _ranges(
        code
        for codes in _UNSPACED
        for code in codes
        if unicodedata.category(chr(code)) in ("Lo", "Lm", "Nl")
    )
    return (
        ("i\u0307+", "i"),
        (f"([{letters}][{marks}]*)", r" \1 "),
        (f"(^| )[{marks}]+", r"\1"),
    )


def _ranges(codes):
    """Returns the content of a character class that holds the codes."""
    ranges = []
    for code in sorted(codes):
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(
        chr(first) if first == last else f"{chr(first)}-{chr(last)}"
        for first, last in ranges
    )


def _replacement(char, strip_accents):
    if char in _DROPPED:
        return ""
    folded = _fold(char)
    if folded == char:
        return _keep(char, strip_accents)
    if folded[0] == " ":  # a spacing form of a mark is no mark of a letter
        folded = "".join(c for c in folded if unicodedata.category(c)[0] != "M")
    text = "".join(_keep(c, strip_accents) for c in folded)
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


def _keep(char, strip_accents):
    """Returns the rest of `char`, a character that folds to itself."""
    if char in _DROPPED:
        return ""
    category = unicodedata.category(char)
    if category in _LETTERS_AND_DIGITS:
        return char
    if category == "Cf":
        return ""
    if category[0] == "M":
        return "" if _is_dropped_mark(char, category, strip_accents) else char
    if category in _SPACE_CATEGORIES or char in _SPACES:
        return " "
    if category[0] == "S" or ord(char) in _PICTOGRAPHS:
        return f" {char} "
    return char


def _is_dropped_mark(char, category, strip_accents):
    """Whether a mark encloses a letter, is optional in its script, or stripped.

    Canonical combining classes: 10-36 are the points of Hebrew, Arabic and
    Syriac, 200 and above stand for a place around the letter, where accents
    are. Other classes make another letter in Indic scripts, Thai and kana.
    """
    place = unicodedata.combining(char)
    if category == "Me" or 10 <= place <= 36:
        return True
    if place < 200:
        return False
    if strip_accents:
        return True
    script = unicodedata.name(char, "").split(" ")[0]
    return script in _POINTED_SCRIPTS and char not in _ARABIC_LETTER_MARKS
