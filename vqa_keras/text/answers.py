"""Classes of answers: as people wrote them, or as the VQA challenge does."""

import collections
import functools
import json
import pathlib
import re
import unicodedata

_TABLES = pathlib.Path(__file__).with_name("answer_tables.json")


def normalize_answer(text):
    r"""Normalizes an answer as the official VQA accuracy does.

    Replaces newlines and tabs by spaces and strips the ends. Then, in the
    official order:

    1. Punctuation. Deletes each mark that is beside a space anywhere in the
       answer, and all marks if the answer has a comma between digits; replaces
       the others by spaces. Then deletes up to 32 periods that no digit
       follows.
    2. Words. Lower-cases and splits the answer, replaces "none", "zero" ...
       "ten" by digits, drops "a", "an" and "the", and restores the apostrophes
       of contractions ("dont" becomes "don't").

    Known errors of the official program are kept, because published numbers
    contain them: a look-behind in the pattern for periods is misspelt (`?!<=`
    for `?<!`), and contractions with capitals never match after lower-casing.

    Args:
        text: str.

    Returns:
        str.

    Example:
    >>> normalize_answer("The T-shirt isnt red.")
    "t shirt isn't red"

    Reference:
        [Antol et al., 2015](https://arxiv.org/abs/1505.00468).
    """
    return _normalize_words(_normalize_punctuation(strip_answer(text)))


def strip_answer(text):
    """Replaces newlines and tabs by spaces and strips the ends of an answer.

    The official evaluation does no more where all annotators agree.

    Args:
        text: str.

    Returns:
        str.
    """
    return text.replace("\n", " ").replace("\t", " ").strip()


def fold_answer(text):
    """Returns the class of an answer: trimmed, case folded, in NFC.

    Signs, marks and articles stay: "-3" is not "3", "1,5" not "15", "B+" not
    "B-", and "A" is an answer.

    Args:
        text: str.

    Returns:
        str; "" for an answer of spaces only.

    Example:
    >>> fold_answer(" Light  Blue ")
    'light blue'
    """
    folded = unicodedata.normalize("NFD", text).casefold()
    # The dot that folding leaves of the Turkish capital I with dot.
    folded = folded.replace("i\u0307", "i")
    return " ".join(unicodedata.normalize("NFC", folded).split())


# Rules by name, from the text of an answer to its class.
ANSWER_RULES = {"text": fold_answer, "vqa": normalize_answer}


def soft_scores(answers, rule="text"):
    """Computes the soft score of each answer from its number of annotators.

    Args:
        answers: list of str, the answers of all annotators to a question.
        rule: str, a name of `ANSWER_RULES`: `"text"` (`fold_answer`) or
            `"vqa"` (`normalize_answer`). Defaults to `"text"`.

    Returns:
        dict, class -> `min(1, 0.3 * count)`, in the order of first appearance.
        The answer of a single annotator scores 1. Empty answers are dropped.

    Example:
    >>> soft_scores(["red", "Red", "red", "blue"])
    {'red': 0.9, 'blue': 0.3}
    """
    counts = _count(answers, rule)
    if len(answers) == 1:
        return dict.fromkeys(counts, 1.0)
    # 3 * 3 / 10 is 0.9 and 3 * 0.3 is not.
    return {a: min(10, 3 * count) / 10 for a, count in counts.items()}


def most_common_answer(answers, rule="text"):
    """Returns the class of the most frequent answer; ties go to the first.

    Args:
        answers: list of str, the answers of all annotators to a question.
        rule: str, a name of `ANSWER_RULES`. Defaults to `"text"`.

    Returns:
        str; "" if all answers are empty.

    Example:
    >>> most_common_answer(["cat", "Dog", "dog "])
    'dog'
    """
    counts = _count(answers, rule)
    return max(counts, key=counts.get, default="")


def _count(answers, rule):
    counts = collections.Counter(map(ANSWER_RULES[rule], answers))
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
