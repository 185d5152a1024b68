"""Types, training curves and filters of a report."""

import dataclasses
import json
import re
import shutil
import subprocess

import numpy as np
import pytest

from tests.fixtures.report_page import HOSTILE
from tests.fixtures.report_page import Page
from tests.fixtures.report_page import assert_nothing_leaves
from vqa_keras.visualization import Example
from vqa_keras.visualization import write_report
from vqa_keras.visualization.curve import training_curves
from vqa_keras.visualization.filters import script

HISTORY = [
    {"loss": 2.0, "val_loss": 1.5, "accuracy": 0.25, "val_accuracy": 0.5},
    {"loss": 1.0, "val_loss": 1.25, "accuracy": 0.5, "val_accuracy": 0.75},
    {"loss": 0.5, "val_loss": 1.75, "accuracy": 0.75, "val_accuracy": 0.5},
]


def row(kind, name, **changes):
    return {
        "kind": kind,
        "type": name,
        "questions": 1234,
        "accuracy": 75.04,
        "outside": 2.5,
        "baselines": {"majority": 37.33, "same_question": 67.0},
        **changes,
    }


@pytest.fixture
def example():
    return Example(
        image=np.zeros((8, 8, 3), np.uint8),
        question="what shape is it?",
        answers=["circle"],
        probabilities=[0.75],
        attention={"regions_1": np.ones((2, 2)) / 4},
        question_id="7-1",
        question_type="shape",
        answer_type="other",
        correct=True,
    )


def test_every_type_has_its_number_accuracy_and_baselines(tmp_path):
    types = [
        row("question type", "shape"),
        row("answer type", "", outside=None, baselines={"majority": 0.0}),
    ]
    page = Page(write_report(tmp_path / "r.html", [], {"types": types}))
    table = [text for tag, text in page.texts if tag in ("th", "td", "bdi")]
    assert table == [
        "Type", "Questions", "Accuracy", "Outside the vocabulary",
        "Baseline, majority", "Baseline, same question",
        "question type", "shape", "1,234", "75.0 %", "2.5 %", "37.3 %",
        "67.0 %",
        "answer type", "(none)", "1,234", "75.0 %", "\u2013", "0.0 %", "\u2013",
    ]  # fmt: skip


def test_header_names_all_baselines_and_the_questions_outside(tmp_path):
    baselines = {"majority": 1, "same_question": 2, "question_only": 3}
    summary = {"outside": 3.21, "baselines": baselines}
    text = Page(write_report(tmp_path / "r.html", [], summary)).text
    assert "Outside the vocabulary 3.2 % of the questions" in text
    assert "Baseline, majority 1.0 % most frequent training answer" in text
    assert "Baseline, same question 2.0 %" in text
    assert "Baseline, question_only 3.0 % a model without the image" in text
    assert "No baselines" not in text


def test_header_says_that_there_are_no_baselines(tmp_path):
    path = write_report(tmp_path / "r.html", [], {"baselines": None})
    text = Page(path).text
    assert "No baselines: the records have no training split." in text
    assert "Baseline," not in text


def test_curves_show_every_epoch_in_place(tmp_path):
    summary = {"history": HISTORY, "best_epoch": 2}
    path = write_report(tmp_path / "r.html", [], summary)
    page = Page(path)
    assert_nothing_leaves(page, path)
    loss, accuracy = page.all("svg")
    assert loss["aria-label"] == "Loss of 3 epochs, 0.5 to 2"
    assert accuracy["aria-label"] == "Accuracy of 3 epochs, 0.25 to 0.75"
    lines = {
        (i // 2, line["class"]): [
            tuple(map(float, p.split(","))) for p in line["points"].split()
        ]
        for i, line in enumerate(page.all("polyline"))
    }
    assert len(lines) == 4
    x = [44.0, 178.0, 312.0]  # from the left to the right end
    top, middle, bottom = 8.0, 55.0, 102.0
    assert lines[1, "training"] == list(
        zip(x, (bottom, middle, top), strict=True)
    )
    assert lines[1, "validation"] == list(
        zip(x, (middle, top, middle), strict=True)
    )
    assert lines[0, "training"][0] == (44.0, top)
    assert {line["x1"] for line in page.all("line")} == {"178.0"}
    assert "validation 0.5; epoch 2 is kept" in page.text.replace(" ;", ";")


@pytest.mark.parametrize("epochs", [1, 2])
def test_a_short_or_flat_training_is_drawn(epochs):
    drawn = training_curves([{"loss": 1.5, "seconds": 2.0}] * epochs)
    assert drawn.count("<svg") == 1 and "Accuracy" not in drawn
    assert drawn.count("<circle") == (epochs == 1)
    assert drawn.count("<polyline") == (epochs == 2)
    assert "nan" not in drawn and "kept" not in drawn


def test_no_history_draws_nothing():
    assert training_curves([]) == training_curves([{"seconds": 1.0}]) == ""


def test_filters_offer_the_types_of_the_cards_once(tmp_path, example):
    other = dataclasses.replace(example, question_type="color")
    path = write_report(tmp_path / "r.html", [example, other, example], {})
    values = [option["value"] for option in Page(path).all("option")]
    assert values == [
        "", "right", "wrong",
        "", "answer type other", "question type color", "question type shape",
    ]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_types_and_ids_stay_text(tmp_path, example, text):
    plain = write_report(
        tmp_path / "a.html", [example], {"types": [row("answer type", "x")]}
    )
    hostile = dataclasses.replace(
        example, question_id=text, question_type=text, answer_type=text
    )
    summary = {"types": [row("answer type", text)]}
    path = write_report(tmp_path / "b.html", [hostile], summary)
    page = Page(path)
    assert_nothing_leaves(page, path)
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in Page(plain).tags]
    shown = re.sub("[\x00-\x1f\ud800]", "\ufffd", text)
    assert page.texts.count(("bdi", shown)) == 2
    assert f"question type {shown}" in [d["value"] for d in page.all("data")]


# As much of a browser's document as the script uses.
_DOCUMENT = """
const field = { result: {}, type: {}, text: {} };
const handlers = [];
const filters = {
  hidden: true,
  querySelector: (selector) => field[/name="(\\w+)"/.exec(selector)[1]],
  addEventListener: (name, handler) => handlers.push(handler),
};
const card = ([verdict, question, ...types]) => ({
  hidden: false,
  classList: { contains: (name) => name === verdict },
  querySelector: () => ({ textContent: question }),
  querySelectorAll: () => types.map((value) => ({ value })),
});
const cards = CARDS.map(card);
const count = { textContent: "" };
const section = {
  querySelectorAll: () => cards,
  querySelector: () => count,
};
global.document = {
  querySelector: () => filters,
  querySelectorAll: () => [section],
};
eval(SCRIPT);
const shown = [];
for (const values of CHOICES) {
  for (const name in field) field[name].value = values[name] ?? "";
  handlers.forEach((handler) => handler());
  shown.push([cards.map((one) => !one.hidden), count.textContent]);
}
console.log(JSON.stringify([filters.hidden, shown]));
"""


def test_filters_show_the_cards_that_agree_with_all_of_them():
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    cards = [
        ["right", "What Color?", "question type color", "answer type other"],
        ["wrong", "is it red?", "question type color", "answer type yes/no"],
        ["wrong", "Caf\u00e9, where?", "question type place"],
    ]
    choices = [
        {},
        {"result": "wrong"},
        {"type": "question type color"},
        {"type": "question type color", "result": "wrong"},
        {"text": " what color "},
        {"text": "CAFE\u0301"},  # decomposed
        {"text": "nothing"},
    ]
    program = (
        _DOCUMENT.replace("CARDS", json.dumps(cards))
        .replace("CHOICES", json.dumps(choices))
        .replace("SCRIPT", json.dumps(script()))
    )
    done = subprocess.run(
        [node, "-"], input=program, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    hidden, shown = json.loads(done.stdout)
    assert not hidden  # the fields, once the script runs
    assert shown == [
        [[True, True, True], "3 shown"],
        [[False, True, True], "2 shown"],
        [[True, True, False], "2 shown"],
        [[False, True, False], "1 shown"],
        [[True, False, False], "1 shown"],
        [[False, False, True], "1 shown"],
        [[False, False, False], "0 shown"],
    ]
