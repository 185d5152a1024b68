import pytest

from vqa_keras.errors import UserError
from vqa_keras.files import file_sha256
from vqa_keras.text import build_vocabulary
from vqa_keras.text import question_vocabulary
from vqa_keras.text import read_vocabulary
from vqa_keras.text import write_vocabulary
from vqa_keras.text.vocabulary import vocabulary_sha256

COUNTS = {"rare": 1, "b": 3, "a": 3, "top": 9}


def test_frequent_words_come_first_and_ties_in_alphabetical_order():
    assert build_vocabulary(COUNTS) == ["top", "a", "b", "rare"]
    shuffled = dict(reversed(COUNTS.items()))
    assert build_vocabulary(shuffled) == build_vocabulary(COUNTS)


def test_rare_words_and_those_beyond_top_k_are_left_out():
    assert build_vocabulary(COUNTS, min_count=3) == ["top", "a", "b"]
    assert build_vocabulary(COUNTS, top_k=2) == ["top", "a"]
    assert build_vocabulary(COUNTS, top_k=10) == build_vocabulary(COUNTS)


def test_question_vocabulary_begins_with_padding_and_unknown():
    words = question_vocabulary(COUNTS, min_count=2)
    assert words == ["[PAD]", "[UNK]", "top", "a", "b"]


@pytest.mark.parametrize("wrong", [{"min_count": 0}, {"top_k": 0}])
def test_rejects_counts_below_one(wrong):
    with pytest.raises(ValueError, match="at least 1. Received: 0"):
        build_vocabulary(COUNTS, **wrong)


@pytest.mark.parametrize("words", [[], ["a"], ["two words", "\u4eba", "\x85"]])
def test_file_gives_back_what_was_written(tmp_path, words):
    write_vocabulary(tmp_path / "words.txt", words)
    assert read_vocabulary(tmp_path / "words.txt") == words
    assert [path.name for path in tmp_path.iterdir()] == ["words.txt"]


def test_a_windows_checkout_reads_the_same(tmp_path):
    (tmp_path / "words.txt").write_bytes(b"a\r\nb\r\n")
    assert read_vocabulary(tmp_path / "words.txt") == ["a", "b"]


@pytest.mark.parametrize(
    "words, problem",
    [
        (["a", ""], "empty line 2"),
        (["a", "b", "a"], "duplicate line 3"),
        (["a\nb"], "one line"),
        (["a\ud800"], "UTF-8"),
    ],
)
def test_refuses_to_write_words_that_reading_would_refuse(
    tmp_path, words, problem
):
    with pytest.raises(UserError, match=problem):
        write_vocabulary(tmp_path / "words.txt", words)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "content, problem",
    [
        (b"a\n\nb\n", "empty line 2"),
        (b"a\na\n", "duplicate line 2"),
        (b"\xff\n", "UTF-8"),
    ],
)
def test_refuses_broken_files(tmp_path, content, problem):
    path = tmp_path / "words.txt"
    path.write_bytes(content)
    with pytest.raises(UserError, match=problem):
        read_vocabulary(path)


def test_names_the_file_that_is_missing(tmp_path):
    with pytest.raises(UserError, match="missing.txt must be a readable"):
        read_vocabulary(tmp_path / "missing.txt")


def test_the_hash_of_words_is_that_of_their_file(tmp_path):
    words = ["[PAD]", "[UNK]", "d\u1ee9a", "it's"]
    write_vocabulary(tmp_path / "words.txt", words)
    assert vocabulary_sha256(words) == file_sha256(tmp_path / "words.txt")
    assert vocabulary_sha256(words) != vocabulary_sha256(words[:-1])
    assert vocabulary_sha256(["a", "b"]) != vocabulary_sha256(["b", "a"])
