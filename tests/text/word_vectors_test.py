"""Word vectors are read by word, and a damaged file is refused."""

import numpy as np
import pytest

from vqa_keras.errors import UserError
from vqa_keras.text import read_word_vectors

WORDS = ["color", "cat", "dua"]


def read(folder, text, words=WORDS, **arguments):
    path = folder / "vectors.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_word_vectors(path, words, **arguments)


def test_the_vector_of_a_word_is_that_of_its_line(tmp_path):
    vectors, width = read(tmp_path, "the 9 9 9\ncat 0.5 -1 2e-3\ndog 1 2 3\n")
    assert width == 3
    assert list(vectors) == ["cat"]
    np.testing.assert_array_equal(
        vectors["cat"], np.array([0.5, -1, 0.002], "float32")
    )


def test_the_header_of_fasttext_is_no_word(tmp_path):
    vectors, width = read(tmp_path, "2 3\ncat 1 2 3 \ncolor 4 5 6 \n")
    assert width == 3
    assert vectors["color"].tolist() == [4, 5, 6]


def test_a_line_spelled_like_the_word_precedes_equal_ones(tmp_path):
    text = "CAT 1 1\nCat 2 2\ncat 3 3\nCOLOR 4 4\nColor 5 5\n"
    vectors, _ = read(tmp_path, text)
    assert vectors["cat"].tolist() == [3, 3]
    assert vectors["color"].tolist() == [4, 4]


def test_accents_are_dropped_where_the_words_have_lost_theirs(tmp_path):
    text = "d\u1eeba 1 1\ncat 2 2\n"
    assert set(read(tmp_path, text)[0]) == {"cat"}
    assert set(read(tmp_path, text, strip_accents=True)[0]) == {"cat", "dua"}


def test_a_word_may_have_spaces(tmp_path):
    vectors, width = read(tmp_path, "the 9 9 9\n. . . 7 7 7\ncat 1 2 3\n")
    assert width == 3
    assert vectors["cat"].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cat 1 2 3\ncolor 1 2", "line 2: .*cut short"),
        ("cat 1 2 3\ncolor 1 2 3 4\n", "line 2: .*Received: 4 numbers"),
        ("cat 1 2 3\ncolor 1 nan 3\n", "line 2: its numbers must be finite"),
        ("cat 1 2 3\ncolor 1 x 3\n", "line 2: .*a word and numbers.*x"),
        ("cat\n", "line 1: .*Received: 0 numbers"),
        ("", "none of their 3 words in 0 lines"),
        ("dog 1 2 3\n", "none of their 3 words in 1 lines"),
        (b"cat 1 2\n\xff\xfe 3 4\n", "must be UTF-8 text.*0xff"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, text, message):
    with pytest.raises(UserError, match=message):
        read(tmp_path, text)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UserError, match="must be a readable file"):
        read_word_vectors(tmp_path / "glove.txt", WORDS)
