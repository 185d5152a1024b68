import random
import time
import unicodedata

import pytest

from vqa_keras.text.characters import APOSTROPHES
from vqa_keras.text.characters import character_table
from vqa_keras.text.normalize import normalize
from vqa_keras.text.normalize import split


def random_texts(count):
    """Unicode strings whose characters come from all planes and scripts."""
    rng = random.Random(0)
    ranges = [(0, 0x7F), (0x80, 0x24F), (0x250, 0x1FFF), (0x2000, 0x2BFF)]
    ranges += [(0x2C00, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x1FFFF)]
    ranges += [(0x20000, 0x3FFFF), (0xE0000, 0x10FFFF)]
    for _ in range(count):
        first, last = rng.choice(ranges)
        size = rng.randrange(20)
        yield "".join(
            chr(rng.randint(first, last))
            if rng.random() < 0.7
            else rng.choice("aZ \u0301'")
            for _ in range(size)
        )


@pytest.mark.parametrize(
    "text, words",
    [
        ("What color is the T-shirt?", "what color is the t shirt"),
        ("What's the man\u2019s dog`s name", "whats the mans dogs name"),
        ("  tabs\tand\nnew\r\nlines ", "tabs and new lines"),
        ("no\u00a0break\u3000space", "no break space"),
        ("zero\u200bwidth\u200djoin\u2060er\ufeff", "zerowidthjoiner"),
        ("soft\u00adhyphen \u200fright\u202eleft", "softhyphen rightleft"),
        ("Caf\u00e9 Cafe\u0301", "caf\u00e9 caf\u00e9"),
        ("d\u1eeba d\u1ee9a", "d\u1eeba d\u1ee9a"),
        ("Stra\u00dfe STRASSE", "strasse strasse"),
        ("\u0130STANBUL I\u0307 \u0131", "istanbul i \u0131"),
        ("\ufb01n o\ufb03ce", "fin office"),
        ("\uff26\uff35\uff2c\uff2c \uff11", "full 1"),
        ("\u1f48\u03b4\u03cd\u03c3\u03c3\u03b5\u03cd\u03c2", None),
        ("\u4eba\u6c11a\u3007", "\u4eba \u6c11 a \u3007"),
        ("\U00020000\U00020001", "\U00020000 \U00020001"),
        ("\u30ab\u30e9\u30fcto", "\u30ab \u30e9 \u30fc to"),
        ("\u304b\u3099\uff76\uff9e", "\u304c \u30ac"),
        (
            "\u0e01\u0e47\u0e44\u0e14\u0e49 5",
            "\u0e01\u0e47 \u0e44 \u0e14\u0e49 5",
        ),
        ("\u1000\u102d\u101e", "\u1000\u102d \u101e"),
        ("\u1780\u17b6\u1781", "\u1780\u17b6 \u1781"),
        ("\ud55c\uad6d\uc5b4 \uc0c9", "\ud55c\uad6d\uc5b4 \uc0c9"),
        ("a \u0301b \u02d9c !\u0301", "a b c"),
        ("2+2=4, $5 50%", "2 + 2 = 4 $ 5 50"),
        ("5\u00bd m\u00b2 Windows\u2122", "5 1 2 m2 windows tm"),
        ("dog\U0001f44d\U0001f3fd\ufe0f!", "dog \U0001f44d"),
        ("\U0001f469\u200d\U0001f680", "\U0001f469 \U0001f680"),
        ("1\ufe0f\u20e3", "1"),
        ("\u0645\u064f\u062d\u064e\u0645\u0651\u062f", None),
        (
            "\u0623\u064e\u0631\u0636 \u0622\u0646",
            "\u0623\u0631\u0636 \u0622\u0646",
        ),
        (
            "\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd",
            "\u05e9\u05dc\u05d5\u05dd",
        ),
        ("\u0915\u093f\u0924\u0928\u0947", "\u0915\u093f\u0924\u0928\u0947"),
        ("a\ufffdb \ud800c", "a b c"),
        ("", ""),
        ("?!... -- \u2026\u3002", ""),
    ],
)
def test_examples_have_their_normal_form(text, words):
    if words is None:  # all letters; in Arabic, vowel signs are dropped
        letters = (c for c in text.casefold() if not unicodedata.combining(c))
        words = "".join(letters)
    assert normalize(text) == words
    assert split(text) == words.split()


@pytest.mark.parametrize(
    ("text", "stripped"),
    [
        ("Caf\u00e9 \u00fcber", "cafe uber"),
        ("d\u1eeba d\u1ee9a", "dua dua"),
        ("\u0130zmir \u0623", "izmir \u0627"),
        ("\u304c \u0e01\u0e48", "\u304c \u0e01\u0e48"),  # other letters
    ],
)
def test_accents_are_stripped_on_demand(text, stripped):
    assert normalize(text, strip_accents=True) == stripped
    assert normalize(text) != stripped or text == stripped


def test_marks_are_equal_in_any_canonical_order():
    for text in ("e\u0302\u0323", "e\u0323\u0302", "\u1eb9\u0302", "\u1ec7"):
        assert normalize(text) == "\u1ec7"
    assert normalize("e\u0302\u0301") != normalize("e\u0301\u0302")


@pytest.mark.parametrize("text", ["\ud55c\uad6d", "\u304c\u3071", "\u00fcber"])
def test_composed_and_decomposed_text_give_the_same_words(text):
    decomposed = unicodedata.normalize("NFD", text)
    assert decomposed != text
    assert normalize(decomposed) == normalize(text)


def test_kana_with_and_without_voicing_stay_different_words():
    assert normalize("\u304c") != normalize("\u304b")


def test_normalizing_again_changes_nothing():
    for text in random_texts(5000):
        once = normalize(text)
        assert normalize(once) == once, ascii(text)
        assert once == " ".join(once.split(" ")).strip(), ascii(text)


def test_replacements_are_final():
    table = character_table()
    for code, replacement in table.items():
        assert replacement != chr(code)
        for kept in replacement.replace(" ", ""):
            found = table.get(ord(kept), kept)
            assert found.strip() == kept, ascii(chr(code))


def test_table_is_made_once_in_a_moment():
    character_table.cache_clear()
    start = time.process_time()
    table = character_table()
    assert time.process_time() - start < 0.3
    assert character_table() is table


def test_letters_and_digits_fold_as_tensorflow_text_folds_them():
    """Every letter and number of old Unicode but those with punctuation."""
    tf_text = pytest.importorskip("tensorflow_text")
    chars = [
        char
        for char in map(chr, range(0x20000))
        if unicodedata.ucd_3_2_0.category(char)[0] in "LN"
    ]
    folded = tf_text.case_fold_utf8(tf_text.normalize_utf8(chars, "NFKC"))
    compared = 0
    for char, theirs in zip(chars, folded.numpy(), strict=True):
        theirs = without_accents(theirs.decode())
        if all(is_letter_or_number(c) for c in theirs):
            ours = normalize(char, strip_accents=True).replace(" ", "")
            assert unicodedata.normalize("NFKD", ours) == theirs, ascii(char)
            compared += 1
    assert compared > 47_000


def without_accents(text):
    text = unicodedata.normalize("NFKD", text)
    while text and unicodedata.category(text[0])[0] == "M":
        text = text[1:]  # a mark without a letter
    places = ((c, unicodedata.combining(c)) for c in text)
    return "".join(c for c, p in places if not (10 <= p <= 36 or p >= 200))


def is_letter_or_number(char):
    return char not in APOSTROPHES and unicodedata.category(char)[0] in "LNM"
