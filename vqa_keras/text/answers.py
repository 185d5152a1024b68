"""Normalizes answers as the evaluation of the VQA challenge does."""

import collections
import functools
import json
import pathlib
import re

_TABLES = pathlib.Path(__file__).with_name("answer_tables.json")


def normalize_answer(text):
    r"""Returns an answer in the normal form of the official VQA accuracy.

    Newlines and tabs become spaces and the ends are stripped. Then, in the
    official order:

    1. Punctuation. Each mark is deleted if it stands beside a space anywhere
       in the answer, or if the answer has a comma between digits; else it
       becomes a space. Then periods that no digit follows are deleted, at
       most 32 of them.
    2. Words. The answer is lower-cased and split; "none", "zero" ... "ten"
       become digits, "a", "an" and "the" are dropped, and contractions get
       their apostrophe back ("dont" becomes "don't").

    Known oddities are kept, because the published numbers contain them: a
    look-behind in the pattern for periods is misspelt (`?!<=` for `?<!`), and
    contractions with capitals never match after lower-casing.

    Reference:
        [Antol et al., 2015](https://arxiv.org/abs/1505.00468).
    """
    return _normalize_words(_normalize_punctuation(strip_answer(text)))


def strip_answer(text):
    """Returns an answer with spaces for newlines and tabs, its ends stripped.

    All that the official evaluation does where all annotators agree.
    """
    return text.replace("\n", " ").replace("\t", " ").strip()


def soft_scores(answers):
    """Returns how right each answer is, by the number who gave it.

    Args:
        answers: list of strings, the answers of all annotators to a question.

    Returns:
        A dict from normalized answer to `min(1, 0.3 * count)`, in the order
        of first appearance. The answer of a single annotator gets 1. Answers
        of which nothing is left ("the") are dropped.
    """
    counts = _count(answers)
    if len(answers) == 1:
        return dict.fromkeys(counts, 1.0)
    # 3 * 3 / 10 is 0.9 and 3 * 0.3 is not.
    return {a: min(10, 3 * count) / 10 for a, count in counts.items()}


def most_common_answer(answers):
    """Returns the most frequent normalized answer, of equals the first given.

    Without an answer, or where nothing is left of any, it is "".
    """
    counts = _count(answers)
    return max(counts, key=counts.get, default="")


def _count(answers):
    counts = collections.Counter(map(normalize_answer, answers))
    counts.pop("", None)
    return counts


def _normalize_punctuation(text):
    tables = _tables()
    has_comma_number = tables["comma"].search(text)
    result = text
    for mark in tables["punct"]:
        beside_space = f"{mark} " in text or f" {mark}" in text
        delete = beside_space or has_comma_number
        result = result.replace(mark, "" if delete else " ")
    # The official script passes the flag re.UNICODE, 32, as the count.
    return tables["period"].sub("", result, count=32)


def _normalize_words(text):
    tables = _tables()
    words = [tables["manualMap"].get(w, w) for w in text.lower().split()]
    words = [word for word in words if word not in tables["articles"]]
    return " ".join(tables["contractions"].get(w, w) for w in words)


@functools.cache
def _tables():
    tables = json.loads(_TABLES.read_text(encoding="utf-8"))
    return {
        **tables,
        "comma": re.compile(tables["commaStrip"]),
        "period": re.compile(tables["periodStrip"]),
    }
