import dataclasses
import html
import re

import numpy as np
import pytest

from vqa_keras.visualization import Example
from vqa_keras.visualization import page
from vqa_keras.visualization import write_report
from vqa_keras.visualization.card import card

WORDS = ["what", "shape", "is", "it"]


@pytest.fixture
def example():
    """Returns an example without a true answer and an image id."""
    rng = np.random.default_rng(0)
    return Example(
        image=rng.integers(0, 255, (64, 64, 3), np.uint8),
        question="what shape is in the image?",
        answers=["circle", "triangle"],
        probabilities=[0.9, 0.1],
        attention={
            "regions_1": rng.random((8, 8)),
            "regions_2": rng.random((8, 8)),
        },
    )


def test_unknown_answer_has_no_line_and_no_result(example):
    unknown = card(example)
    assert "True answer" not in unknown
    assert '<article class="card">' in unknown
    assert "class=true" not in unknown
    known = dataclasses.replace(example, answer="circle", correct=True)
    assert "True answer" in card(known)
    assert '<article class="card right">' in card(known)
    assert "<li class=true><bdi>circle<" in card(known)


def test_words_that_are_not_used_are_listed(example):
    assert "words not used" not in card(example)
    cut = dataclasses.replace(example, unused_words=["please", "<b>"])
    assert "words not used: please, &lt;b&gt;</p>" in card(cut)


def test_only_an_image_with_an_id_shows_it(example):
    assert 'alt="Image"' in card(example)
    assert 'class="id"' not in card(example)
    named = card(dataclasses.replace(example, image_id=0))
    assert 'alt="Image 0"' in named
    assert '<p class="id">image <bdi>0</bdi></p>' in named


def test_card_names_its_question_and_types(example):
    named = dataclasses.replace(
        example, question_id="7-1", question_type="<what>", answer_type="other"
    )
    assert (
        '<p class="id">question <bdi>7-1</bdi>, '
        '<data value="question type &lt;what&gt;">question type &lt;what&gt;'
        '</data>, <data value="answer type other">answer type other</data></p>'
    ) in card(named)


def test_page_holds_the_card_in_the_style_of_the_report(example, tmp_path):
    alone = page(example)
    report = write_report(tmp_path / "r.html", [example], {}).read_text("utf-8")
    head = alone.partition("<title>")[0]
    style = re.search("<style>.*</style>", alone, re.DOTALL)[0]
    for part in (head, style, card(example)):
        assert part in report and part in alone
    assert "<title>what shape is in the image?</title>" in alone
    assert "content=\"default-src 'none'; img-src data:; style-src" in alone
    assert "script" not in alone
    assert alone.count("<article") == alone.count("</article>") == 1


def test_report_shows_examples_with_unknown_result_apart(example, tmp_path):
    path = tmp_path / "r.html"
    right = dataclasses.replace(example, correct=True)
    text = write_report(path, [right], {}).read_text("utf-8")
    assert "unknown result" not in text
    text = write_report(path, [example, right], {}).read_text("utf-8")
    heading = "<h2>Answers with unknown result <small>1 shown</small></h2>"
    assert text.index("<h2>Correct answers") < text.index(heading)


def test_notebook_shows_the_page_in_a_frame_without_scripts(example):
    shown = example._repr_html_()
    assert shown.startswith("<iframe sandbox ")
    source = re.search('srcdoc="([^"]*)"', shown)[1]
    assert html.unescape(source) == page(example)
    assert "<" not in source  # nothing leaves the attribute


@pytest.mark.parametrize("question", ["a" * 10_000, "word " * 3_000, "\u05e9?"])
def test_whole_question_is_on_the_card(example, question):
    text = card(dataclasses.replace(example, question=question))
    assert f">{question.strip()}</h3>" in text


def test_missing_question_is_stated(example):
    empty = dataclasses.replace(example, question="")
    assert ">(no question)</h3>" in card(empty)
    assert "<title>(no question)</title>" in page(empty)


def test_more_maps_make_more_panels(example):
    maps = {f"regions_{i}": np.ones((4, 4)) for i in range(9)}
    text = card(dataclasses.replace(example, attention=maps))
    panels = re.search('<div class="maps">.*?</div>', text, re.DOTALL)[0]
    assert panels.count("<img") == 1 + 9


@pytest.mark.parametrize(
    "weights", [np.zeros((8, 8)), np.ones((1, 1)), np.ones(5), np.zeros(5)]
)
def test_degenerate_weights_are_drawn(example, weights):
    text = card(dataclasses.replace(example, attention={"regions_1": weights}))
    assert text.count("<img") == 2


def test_works_without_answers_and_without_attention(example):
    nothing = {"answers": [], "probabilities": [], "attention": {}}
    text = card(dataclasses.replace(example, **nothing))
    assert text.count("<img") == 1 and "<li" not in text


@pytest.mark.parametrize(
    "words", [["a" * 999] * 40, ["\u05e9"] * 40, [""] * 40]
)
def test_any_words_are_drawn(example, words):
    rng = np.random.default_rng(0)
    attention = {
        "words_1": rng.random(40),
        "affinity_1": rng.random((40, 4, 4)),
        "words_to_words_1": rng.random((2, 40, 40)),
    }
    text = card(dataclasses.replace(example, attention=attention, words=words))
    assert text.count('<span class="chip">') == 40
    assert text.count("<img") == 1 + 14 + 2


@pytest.mark.parametrize(
    "weights",
    [np.full((2, 2), np.nan), np.full((2, 2), -0.1), np.ones((1,) * 3)],
)
def test_rejects_weights_that_cannot_be_drawn(example, weights):
    broken = dataclasses.replace(example, attention={"regions_1": weights})
    with pytest.raises(ValueError, match="attention weights must.*Received"):
        card(broken)


def test_rejects_more_words_than_positions(example):
    attention = {"words_1": np.ones(3)}
    broken = dataclasses.replace(example, attention=attention, words=WORDS)
    with pytest.raises(ValueError, match="`words` must have at most.*Received"):
        card(broken)


def test_rejects_an_attention_of_unknown_kind(example):
    broken = dataclasses.replace(example, attention={"heat": np.ones((2, 2))})
    with pytest.raises(ValueError, match="one of regions, .*Received: heat"):
        card(broken)


@pytest.mark.parametrize("probabilities", [[0.5], [0.5, np.nan], [1.5, 0]])
def test_rejects_answers_without_a_probability(example, probabilities):
    broken = dataclasses.replace(example, probabilities=probabilities)
    with pytest.raises(ValueError, match="per answer. Received"):
        card(broken)


def test_rejects_an_image_that_is_not_rgb(example):
    broken = dataclasses.replace(example, image=np.zeros((8, 8), np.uint8))
    with pytest.raises(ValueError, match="must be uint8 of shape.*Received"):
        card(broken)
