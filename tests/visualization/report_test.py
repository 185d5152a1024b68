import base64
import dataclasses
import io
import os
import re

import numpy as np
import pytest
from PIL import Image

from tests.fixtures.report_page import HOSTILE
from tests.fixtures.report_page import Page
from tests.fixtures.report_page import assert_nothing_leaves
from vqa_keras.errors import UserError
from vqa_keras.visualization import Example
from vqa_keras.visualization import overlay
from vqa_keras.visualization import write_report

SUMMARY = {
    "title": "stacked on easy-VQA",
    "questions": 9673,
    "accuracy": {"overall": 99.62, "per_answer_type": {"yes/no": 98.76}},
    "baselines": {"majority": 37.29, "same_question": 67.04},
    "grounding": {
        "regions_1": {"pointing_accuracy": 81.2, "mass": 63.1, "chance": 18.6}
    },
    "calibration": {
        "expected_calibration_error": 2.345,
        "thresholds": [
            {"threshold": 0.0, "coverage": 100.0, "accuracy": 99.62},
            {"threshold": 0.7, "coverage": 61.3, "accuracy": 97.5},
            {"threshold": 0.9, "coverage": 0.0, "accuracy": None},
        ],
    },
    "settings": {"learning rate": 0.001, "seed": 7},
}


@pytest.fixture
def example():
    rng = np.random.default_rng(0)
    return Example(
        image=rng.integers(0, 255, (64, 64, 3), np.uint8),
        image_id=12,
        question="what shape is it?",
        answer="circle",
        answers=["circle", "square"],
        probabilities=[0.75, 0.25],
        attention={
            "regions_1": rng.random((8, 8)),
            "regions_2": rng.random((8, 8)),
        },
        correct=True,
    )


def test_page_is_balanced_and_needs_no_other_file(tmp_path, example):
    path = write_report(tmp_path / "report.html", [example], SUMMARY)
    page = Page(path)
    assert_nothing_leaves(page, path)
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("title")) == 1


def test_header_states_accuracy_baselines_grounding_and_settings(tmp_path):
    text = Page(write_report(tmp_path / "r.html", [], SUMMARY)).text
    for expected in (
        "99.6", "of 9,673 questions", "Accuracy, yes/no 98.8", "37.3", "67.0",
        "regions 1, pointing accuracy 81.2",
        "63.1 % of the weight on the object, chance 18.6 %",
        "learning rate 0.001", "seed 7",
    ):  # fmt: skip
        assert expected in text


def test_header_states_the_calibration_and_a_table_of_thresholds(tmp_path):
    page = Page(write_report(tmp_path / "r.html", [], SUMMARY))
    assert "Calibration error 2.3 %" in page.text
    table = [text for tag, text in page.texts if tag in ("th", "td")]
    assert table == [
        "Threshold", "Questions answered", "Accuracy of these",
        "0.0", "100.0 %", "99.6 %",
        "0.7", "61.3 %", "97.5 %",
        "0.9", "0.0 %", "\u2013",
    ]  # fmt: skip
    without = {k: v for k, v in SUMMARY.items() if k != "calibration"}
    page = Page(write_report(tmp_path / "r.html", [], without))
    assert not page.all("table") and "Calibration" not in page.text


def test_incorrect_and_correct_answers_have_a_section_each(tmp_path, example):
    wrong = dataclasses.replace(example, question="wrong?", correct=False)
    examples = [example, wrong, example]
    text = Page(write_report(tmp_path / "r.html", examples, {})).text
    head, _, rest = text.partition("Incorrect answers 1 shown")
    wrongs, _, rights = rest.partition("Correct answers 2 shown")
    assert wrongs.count("wrong?") == 1 and "what shape" not in wrongs
    assert rights.count("what shape is it?") == 2 and "wrong?" not in rights


def test_card_shows_the_image_and_the_heat_map_of_every_attention(
    tmp_path, example
):
    page = Page(write_report(tmp_path / "r.html", [example], {}))
    images = page.all("img")
    assert [i["alt"].split(":")[0] for i in images] == [
        "Image 12",
        "Attention regions 1",
        "Attention regions 2",
    ]
    data = base64.b64decode(images[1]["src"].partition(",")[2])
    drawn = np.asarray(Image.open(io.BytesIO(data)))
    expected = overlay(example.image, example.attention["regions_1"], 192)
    np.testing.assert_array_equal(drawn, expected)
    assert (images[1]["width"], images[1]["height"]) == ("192", "192")
    for weights in example.attention.values():
        assert f"{weights.max():.2g}" in page.text
    assert "True answer circle" in page.text


def test_bars_are_as_long_as_the_probabilities(tmp_path, example):
    page = Page(write_report(tmp_path / "r.html", [example], {}))
    styles = [s["style"] for s in page.all("span") if "style" in s]
    assert styles == ["width:75.0%", "width:25.0%"]
    assert "75.0 %" in page.text and "25.0 %" in page.text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(tmp_path, example, text):
    plain = Page(write_report(tmp_path / "a.html", [example], SUMMARY))
    hostile = dataclasses.replace(
        example,
        question=text,
        answer=text,
        answers=[text, "square"],
        image_id=text,
        attention={f"regions_{text}": example.attention["regions_1"]},
    )
    summary = SUMMARY | {
        "title": text,
        "settings": {text: text, "seed": 7},
        "accuracy": {"overall": 1, "per_answer_type": {text: 1}},
        "grounding": {text: SUMMARY["grounding"]["regions_1"]},
    }
    path = write_report(tmp_path / "b.html", [hostile], summary)
    page = Page(path)
    assert_nothing_leaves(page, path)
    kinds = [tag for tag, _ in page.tags if tag not in ("figure", "img")]
    for tag in set(kinds) - {"span", "figcaption"}:  # one map fewer
        assert kinds.count(tag) == len(plain.all(tag))
    shown = re.sub("[\x00-\x1f\ud800]", "\ufffd", text)
    assert ("h3", shown) in page.texts


def test_every_degenerate_map_is_drawn(tmp_path, example):
    maps = {
        "regions_uniform": np.full((8, 8), 1 / 64),
        "regions_zeros": np.zeros((8, 8)),
        "words": np.array([0.2, 0.8]),
    }
    example = dataclasses.replace(example, attention=maps)
    page = Page(write_report(tmp_path / "r.html", [example], {}))
    assert len(page.all("img")) == 4


def every_kind(words):
    rng = np.random.default_rng(0)
    return {
        "words_1": np.linspace(0.5, 1, words),
        "cnn_layers_1": rng.random(3),
        "affinity_1": rng.uniform(-1, 1, (words, 4, 4)),
        "words_to_regions_1": rng.random((words, 4, 4)),
        "regions_to_words_1": rng.random((4, 4, words)),
        "regions_to_regions_1": rng.random((2, 4, 4, 4, 4)),
        "words_to_words_1": rng.random((2, words, words)),
    }


def test_every_kind_of_attention_is_on_the_card(tmp_path, example):
    words = ["what", "shape", "now"]
    example = dataclasses.replace(example, attention=every_kind(4), words=words)
    page = Page(write_report(tmp_path / "r.html", [example], {}))
    assert len(page.all("img")) == 2 + 3 * 3 + 2 + 2
    assert "words to regions 1, shape: largest weight" in str(page.tags)
    fractions = [s["style"] for s in page.all("bdi") if "style" in s]
    expected = ["--fraction:0.60", "--fraction:0.80", "--fraction:1.00"]
    assert fractions == expected
    assert page.text.count("shape") == 5  # question, chip, and three captions
    assert len(page.all("details")) == 5


def test_few_rows_of_small_images_are_open(tmp_path, example):
    maps = every_kind(4)
    few = dict(list(maps.items())[:5])
    for attention, is_open in [(few, True), (maps, False)]:
        example = dataclasses.replace(example, attention=attention)
        page = Page(write_report(tmp_path / "r.html", [example], {}))
        assert all(("open" in d) == is_open for d in page.all("details"))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_stay_text(tmp_path, example, text):
    maps = every_kind(2)
    plain, hostile = (
        dataclasses.replace(example, attention=maps, words=[word, "red"])
        for word in ("is", text)
    )
    plain = Page(write_report(tmp_path / "a.html", [plain], {}))
    path = write_report(tmp_path / "b.html", [hostile], {})
    page = Page(path)
    assert_nothing_leaves(page, path)
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in plain.tags]
    shown = re.sub("[\x00-\x1f\ud800]", "\ufffd", text)
    assert ("bdi", shown) in page.texts


def test_empty_report_has_no_examples(tmp_path):
    text = Page(write_report(tmp_path / "r.html", [], {})).text
    assert text.count("No examples.") == 2


@pytest.mark.parametrize(
    "weights", [np.full((2, 2), np.nan), np.ones((1,) * 3)]
)
def test_failure_leaves_the_old_report_alone(tmp_path, example, weights):
    path = write_report(tmp_path / "r.html", [example], SUMMARY)
    before = path.read_bytes()
    broken = dataclasses.replace(example, attention={"regions_1": weights})
    with pytest.raises(ValueError, match="attention weights must.*Received"):
        write_report(path, [example, broken], SUMMARY)
    assert path.read_bytes() == before


def test_interrupted_write_leaves_no_half_file(tmp_path, example, monkeypatch):
    def disk_is_full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", disk_is_full)
    with pytest.raises(UserError, match="No space left"):
        write_report(tmp_path / "r.html", [example], SUMMARY)
    assert list(tmp_path.iterdir()) == []


def test_rejects_an_unknown_entry_of_the_summary(tmp_path):
    with pytest.raises(ValueError, match="Received: .*'acuracy'"):
        write_report(tmp_path / "r.html", [], {"acuracy": {}})
