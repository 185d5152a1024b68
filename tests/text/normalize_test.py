import random
import time
import unicodedata

import pytest

from vqa_keras.text.normalize import APOSTROPHES
from vqa_keras.text.normalize import _table
from vqa_keras.text.normalize import character_table
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
        ("Caf\u00e9 Cafe\u0301", "cafe cafe"),
        ("Stra\u00dfe STRASSE", "strasse strasse"),
        ("\u0130stanbul \u0131", "istanbul \u0131"),
        ("\ufb01n o\ufb03ce", "fin office"),
        ("\uff26\uff35\uff2c\uff2c \uff11", "full 1"),
        ("\u1f48\u03b4\u03cd\u03c3\u03c3\u03b5\u03cd\u03c2", None),
        ("\u4eba\u6c11a\u3007", "\u4eba \u6c11 a\u3007"),
        ("\u30ab\u30ab\u3068", "\u30ab\u30ab\u3068"),
        ("2+2=4, $5 50%", "2 + 2 = 4 $ 5 50"),
        ("5\u00bd m\u00b2 Windows\u2122", "5 1 2 m2 windows tm"),
        ("dog\U0001f44d\U0001f3fd\ufe0f!", "dog \U0001f44d"),
        ("\U0001f469\u200d\U0001f680", "\U0001f469 \U0001f680"),
        ("1\ufe0f\u20e3", "1"),
        ("\u0645\u064f\u062d\u064e\u0645\u0651\u062f", None),
        ("\u0915\u093f\u0924\u0928\u0947", "\u0915\u093f\u0924\u0928\u0947"),
        ("a\ufffdb \ud800c", "a b c"),
        ("", ""),
        ("?!... -- \u2026\u3002", ""),
    ],
)
def test_examples_have_their_normal_form(text, words):
    if words is None:  # all letters, only accents go
        decomposed = unicodedata.normalize("NFD", text.casefold())
        words = "".join(c for c in decomposed if not unicodedata.combining(c))
    assert normalize(text) == words
    assert split(text) == words.split()


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
    for char, replacement in table.items():
        assert replacement != char
        for kept in replacement.replace(" ", ""):
            assert table.get(kept, kept).strip() == kept, ascii(char)


def test_table_fits_into_utf8_and_is_made_once_in_a_moment():
    _table.cache_clear()
    start = time.process_time()
    table = character_table()
    assert time.process_time() - start < 0.3
    "".join(table).encode("utf-8")
    assert _table() is _table()


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
            assert normalize(char) == theirs, ascii(char)
            compared += 1
    assert compared > 47_000


def without_accents(text):
    text = unicodedata.normalize("NFKD", text)
    places = ((c, unicodedata.combining(c)) for c in text)
    return "".join(c for c, p in places if not (10 <= p <= 36 or p >= 200))


def is_letter_or_number(char):
    return char not in APOSTROPHES and unicodedata.category(char)[0] in "LNM"
