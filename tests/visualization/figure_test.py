import numpy as np
import pytest

from vqa_keras.visualization import figure
from vqa_keras.visualization import overlay
from vqa_keras.visualization.kinds import draw

WORDS = ["what", "shape", "is", "it"]


@pytest.fixture
def arguments():
    rng = np.random.default_rng(0)
    return {
        "image": rng.integers(0, 255, (64, 64, 3), np.uint8),
        "question": "what shape is in the image?",
        "answers": ["circle", "triangle"],
        "probabilities": [0.9, 0.1],
        "attention": {"hop_1": rng.random((8, 8)), "hop_2": rng.random((8, 8))},
    }


def holds(sheet, part):
    """Whether `part` occurs somewhere in `sheet`, pixel by pixel."""
    height, width = part.shape[:2]
    corners = (sheet == part[5, 5]).all(axis=-1)
    return any(
        np.array_equal(sheet[y : y + height - 10, x : x + width - 10], part)
        for part in [part[5:-5, 5:-5]]  # the panels have a border line
        for y, x in np.argwhere(corners)
    )


def test_shows_the_map_of_every_hop(arguments):
    sheet = np.asarray(figure(**arguments))
    for weights in arguments["attention"].values():
        assert holds(sheet, overlay(arguments["image"], weights))


def test_does_not_show_a_map_of_other_weights(arguments):
    sheet = np.asarray(figure(**arguments))
    other = 1 - arguments["attention"]["hop_1"]
    assert not holds(sheet, overlay(arguments["image"], other))


def test_bar_is_as_long_as_its_probability(arguments):
    arguments["probabilities"] = [0.75, 0.25]
    sheet = np.asarray(figure(**arguments))
    first = (sheet == (38, 98, 178)).all(axis=-1).sum(axis=1).max()
    second = (sheet == (166, 174, 186)).all(axis=-1).sum(axis=1).max()
    assert abs(first - 192) <= 1 and abs(second - 64) <= 1


def test_more_maps_make_more_rows_and_not_a_wider_sheet(arguments):
    maps = {f"hop_{i}": np.ones((4, 4)) for i in range(9)}
    wide = figure(**arguments | {"attention": maps})
    narrow = figure(**arguments)
    assert wide.width == narrow.width
    assert wide.height > 2 * narrow.height


@pytest.mark.parametrize(
    "question",
    ["", "a" * 10_000, "word " * 3_000, "\u05e9\u05dc\u05d5\u05dd \U0001f468?"],
)
def test_any_question_fits(arguments, question):
    sheet = figure(**arguments | {"question": question})
    assert sheet.height < 600
    margin = np.asarray(sheet)[:, -20:]
    assert (margin == 255).all()


@pytest.mark.parametrize(
    "weights", [np.zeros((8, 8)), np.ones((1, 1)), np.ones(5), np.zeros(5)]
)
def test_degenerate_weights_are_drawn(arguments, weights):
    figure(**arguments | {"attention": {"map": weights}})


def test_works_without_answers_and_without_attention(arguments):
    nothing = {"answers": [], "probabilities": [], "attention": {}}
    assert figure(**arguments | nothing).mode == "RGB"


@pytest.mark.parametrize(
    "weights", [np.full((2, 2), np.nan), np.ones((1,) * 3)]
)
def test_rejects_weights_that_cannot_be_drawn(arguments, weights):
    with pytest.raises(ValueError, match="attention weights must.*Received"):
        figure(**arguments | {"attention": {"hop_1": weights}})


def test_words_and_small_pictures_have_rows_of_their_own(arguments):
    rng = np.random.default_rng(1)
    hops = arguments["attention"]
    plain = figure(**arguments, words=WORDS)
    chips = {"words_1": rng.random(6), "words_2": rng.random(6)}
    with_words = figure(**arguments | {"attention": hops | chips}, words=WORDS)
    assert with_words.width == plain.width
    assert with_words.height > plain.height
    strips = {
        "affinity_1": rng.uniform(-1, 1, (6, 8, 8)),
        "words_to_regions_1": rng.random((2, 6, 8, 8)),
        "regions_to_words_1": rng.random((2, 8, 8, 6)),
        "regions_to_regions_1": rng.random((9, 8, 8, 8, 8)),
        "words_to_words_1": rng.random((9, 6, 6)),
    }
    sheet = figure(**arguments | {"attention": hops | strips}, words=WORDS)
    assert sheet.width == plain.width
    sheet = np.asarray(sheet)
    assert (sheet[:, -20:] == 255).all() and (sheet[-8:] == 255).all()
    del strips["words_to_words_1"]  # `holds` is slow on white pictures
    for name, weights in strips.items():
        drawing = draw(name, arguments["image"], weights, WORDS)
        assert holds(sheet, drawing.parts[-1].picture)


def test_largest_weight_makes_the_darkest_word(arguments):
    attention = {"words_1": np.array([0.1, 0.2, 0.4, 0.0])}
    sheet = np.asarray(
        figure(**arguments | {"attention": attention}, words=WORDS)
    )
    darkest = np.argwhere((sheet == (245, 166, 35)).all(axis=-1))
    lightest = np.argwhere((sheet == (246, 247, 249)).all(axis=-1))
    assert 0 < darkest[:, 1].max() < lightest[:, 1].min()  # it is the last
    assert np.ptp(darkest[:, 0]) < 30


@pytest.mark.parametrize(
    "words", [["a" * 999] * 40, ["\u05e9"] * 40, [""] * 40]
)
def test_any_words_fit(arguments, words):
    rng = np.random.default_rng(0)
    attention = {
        "words_1": rng.random(40),
        "affinity_1": rng.random((40, 4, 4)),
        "words_to_words_1": rng.random((2, 40, 40)),
    }
    sheet = figure(**arguments | {"attention": attention}, words=words)
    assert (np.asarray(sheet)[:, -20:] == 255).all()


@pytest.mark.parametrize("probabilities", [[0.5], [0.5, np.nan], [1.5, 0]])
def test_rejects_answers_without_a_probability(arguments, probabilities):
    with pytest.raises(ValueError, match="for each answer. Received"):
        figure(**arguments | {"probabilities": probabilities})
