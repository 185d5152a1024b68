import json
import pathlib
import sys
import tarfile

import pytest
import wn

from vqa_keras.errors import UserError
from vqa_keras.metrics import WordNet
from vqa_keras.metrics import wups

TINY = pathlib.Path(__file__).parents[1] / "testdata" / "wordnet" / "tiny.xml"


@pytest.fixture(scope="module", autouse=True)
def database(tmp_path_factory):
    users = wn.config.database_path.parent
    wn.config.data_directory = tmp_path_factory.mktemp("wn")
    yield
    wn.config.data_directory = users


@pytest.fixture(scope="module")
def wordnet():
    return WordNet(TINY)


# Worked out from tests/testdata/wordnet/tiny.xml: 2 d / (n + 2 d), with d
# synsets from the lowest common hypernym to its root and n steps to the two.
SIMILARITIES = [
    ("chair", "chair", 1),
    ("couch", "sofa", 1),  # one synset
    ("chair", "sofa", 6 / 8),  # seat: d=3, n=1+1
    ("seat", "chair", 6 / 7),  # seat: d=3, n=0+1
    ("sofa", "guest", 2 / 7),  # item: d=1, n=3+2
    ("chair", "guest", 4 / 6),  # person, by the second sense: d=2, n=1+1
    ("page", "swivel", 8 / 10),  # chair, by the second sense: d=4, n=1+1
    ("throne", "sofa", 6 / 9),  # seat: d=3, n=2+1
    ("item", "color", 0),  # two roots
    ("sit", "seat", 0),  # no noun
    ("qwerty", "chair", 0),
    ("qwerty", "qwerty", 1),
]


@pytest.mark.parametrize(("first", "second", "expected"), SIMILARITIES)
def test_similarity_is_the_one_computed_by_hand(
    wordnet, first, second, expected
):
    assert wordnet.similarity(first, second) == pytest.approx(expected)
    assert wordnet.similarity(second, first) == pytest.approx(expected)


def test_lowest_hypernym_is_the_one_whose_shortest_path_is_longest(wordnet):
    # Not throne, with 5 synsets to the root, but 3 by way of person. Chair and
    # sofa have 4; chair is first in the alphabet: d=4, n=2+2.
    assert wordnet.similarity("divan", "recliner") == pytest.approx(8 / 12)


def test_of_equally_low_hypernyms_the_first_word_itself_is_taken(wordnet):
    # Twin seat (4 or 5 synsets) and sofa (4) are both at 4.
    assert wordnet.similarity("twin seat", "tuffet") == pytest.approx(10 / 11)


def test_of_other_equally_low_hypernyms_the_alphabet_decides(wordnet):
    # Sofa: d=4, n=2+1.
    assert wordnet.similarity("tuffet", "twin seat") == pytest.approx(8 / 11)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("chairs", "chair"),
        ("people", "person"),
        ("Chair", "chair"),
        ("night_stand", "night stand"),
        ("light_brown", "light brown"),  # not in the lexicon
        (" night  stand ", "night stand"),
    ],
)
def test_forms_of_a_word_are_that_word(wordnet, first, second):
    assert wordnet.similarity(first, second) == 1


@pytest.mark.parametrize(
    ("predicted", "expected", "at_0", "at_9"),
    [
        ("chair", "chair", 100, 100),
        ("couch", "sofa", 100, 100),
        ("sofa", "chair", 75, 7.5),
        ("seat", "chair", 600 / 7, 60 / 7),
        ("color", "chair", 0, 0),
        ("qwerty", "chair", 0, 0),
        ("chair, sofa", "sofa,chair", 100, 100),
        # chair: 1 and sofa: 3/4, against chair: 1, in both directions.
        ("chair, sofa", "chair", 75, 7.5),
        ("chair", "chair, sofa", 75, 7.5),
        # chair: 3/4 and guest: 1/3, against sofa: 3/4 and night stand: 4/7.
        ("chair, guest", "sofa, night_stand", 25, 0.25),
        ("sofa, night_stand", "chair, guest", 25, 0.25),
        ("sofa, sofa", "chair", 56.25, 0.5625),
        ("", "chair", 0, 0),
        ("chair", "", 0, 0),
        ("", " , ", 0, 0),
    ],
)
def test_score_is_the_one_computed_by_hand(
    wordnet, predicted, expected, at_0, at_9
):
    for threshold, score in ((0.0, at_0), (0.9, at_9)):
        value = wups([predicted], [expected], threshold, wordnet)
        assert value == pytest.approx(score)


def test_score_is_the_mean_over_the_questions(wordnet):
    value = wups(["chair", "sofa"], ["chair", "chair"], 0.0, wordnet)
    assert value == pytest.approx(87.5)


def test_default_threshold_is_nine_tenths(wordnet):
    assert wups(["sofa"], ["chair"], wordnet=wordnet) == pytest.approx(7.5)


def test_similarity_at_the_threshold_is_not_reduced(wordnet):
    assert wups(["sofa"], ["chair"], 0.75, wordnet) == pytest.approx(75)


def test_list_of_items_is_as_a_string_with_commas(wordnet):
    given = [["chair", "guest"], ("chair",)]
    value = wups(given, ["sofa, night stand", ["chair"]], 0.0, wordnet)
    assert value == pytest.approx(62.5)


def test_file_of_answers_is_scored(wordnet, tmp_path):
    path = tmp_path / "answers.json"
    path.write_text(
        '[{"question_id": 7, "answer": "sofa"},'
        ' {"question_id": 3, "answer": "chair"}]'
    )
    expected = {3: "chair", 7: "chair"}
    given = {
        row["question_id"]: row["answer"]
        for row in json.loads(path.read_text())
    }
    predicted = [given[question_id] for question_id in expected]
    value = wups(predicted, expected.values(), 0.0, wordnet)
    assert value == pytest.approx(87.5)


def test_lexicon_is_queried_once_per_word(monkeypatch):
    asked = []
    synsets = wn.Wordnet.synsets

    def counted(self, form, pos):
        asked.append(form)
        return synsets(self, form, pos)

    monkeypatch.setattr(wn.Wordnet, "synsets", counted)
    wordnet = WordNet(TINY)
    for threshold in (0.9, 0.0):
        wups(["sofa"] * 3, ["chair"] * 3, threshold, wordnet)
    assert sorted(asked) == ["chair", "sofa"]


def test_lexicon_that_was_added_has_a_name(wordnet):
    assert wups(["sofa"], ["chair"], 0.0, "tiny:1") == pytest.approx(75)
    assert wups(["sofa"], ["chair"], 0.0, str(TINY)) == pytest.approx(75)


@pytest.mark.parametrize(
    ("predicted", "expected"),
    [([], []), (["chair"], []), (["chair"], ["chair", "sofa"])],
)
def test_lengths_that_do_not_fit_are_refused(wordnet, predicted, expected):
    with pytest.raises(ValueError, match="one entry per question"):
        wups(predicted, expected, wordnet=wordnet)


@pytest.mark.parametrize("answer", [None, 3, [None], {"answer": "chair"}])
def test_answer_that_is_no_string_is_refused(wordnet, answer):
    with pytest.raises(ValueError, match="`expected` must hold strings"):
        wups(["chair"], [answer], wordnet=wordnet)


@pytest.mark.parametrize("threshold", [-1, 1.5, float("nan")])
def test_threshold_out_of_range_is_refused(wordnet, threshold):
    with pytest.raises(ValueError, match="from 0 to 1"):
        wups(["chair"], ["chair"], threshold, wordnet)


def test_missing_library_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "wn", None)
    with pytest.raises(UserError, match=r"pip install vqa-keras\[wordnet\]"):
        wups(["chair"], ["chair"])


@pytest.mark.parametrize(
    ("name", "known", "file"),
    [
        ("omw-en:1.4", "omw-en:1.4", "omw-en-1.4.tar.xz"),
        ("oewn:2024", "oewn:2024", "english-wordnet-2024.xml.gz"),
        ("nowhere:1", "omw-en:1.4", "omw-en-1.4.tar.xz"),
        ("none.xml", "omw-en:1.4", "omw-en-1.4.tar.xz"),
    ],
)
def test_missing_lexicon_is_named_with_its_file_and_folder(name, known, file):
    with pytest.raises(UserError) as caught:
        wups(["chair"], ["chair"], wordnet=name)
    message = str(caught.value)
    assert f"must be in {wn.config.database_path} " in message
    assert f"`python -m wn download {known}`" in message
    assert f"copy {file} of https://" in message
    assert f'WordNet("{file}")' in message
    assert f". Received: {name} (" in message


def test_lexicon_is_read_from_the_archive_of_its_download(tmp_path):
    path = tmp_path / "omw-en-1.4.tar.xz"
    with tarfile.open(path, "w:xz") as archive:
        archive.add(TINY, "omw-en/omw-en.xml")
    wordnet = WordNet(path)
    assert wordnet.similarity("chair", "sofa") == pytest.approx(6 / 8)


@pytest.mark.parametrize(
    "text",
    ["chair, sofa\n", "", TINY.read_text()[:2000].replace("tiny", "cut")],
    ids=["other", "empty", "cut"],
)
def test_file_that_is_no_lexicon_is_refused(tmp_path, text):
    path = tmp_path / "lexicon.xml"
    path.write_text(text)
    with pytest.raises(UserError, match="lexicon.xml"):
        WordNet(path)
