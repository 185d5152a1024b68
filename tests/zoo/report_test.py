"""The report of a run names its data, all types, and the worst mistakes."""

import dataclasses
import html
import json
import re

import numpy as np
import pytest

from vqa_keras.data import Records
from vqa_keras.runs import evaluation
from vqa_keras.runs.run import load_run
from vqa_keras.runs.run import task_for_records


@pytest.fixture
def report(call, run, records, tmp_path):
    """Returns `report(*flags)`: the page and the lines on stdout."""

    def report(*flags):
        output = tmp_path / "report.html"
        flags = [f"--data={records}", f"--output={output}", *flags]
        done = call("report", run, *flags)
        assert done.status == 0, done.stderr
        return output.read_text(), done.stdout.splitlines()

    return report


def test_it_names_the_folder_of_the_data(report, records):
    page, _ = report("--examples=0", "--split=validation")
    assert "<title>tiny on records (validation)</title>" in page
    assert f'<dd dir="auto">{records} (easy_vqa)</dd>' in page


def test_it_has_the_figures_of_all_types_and_the_training(report, run):
    page, lines = report("--examples=0")
    results = json.loads((run / "results.json").read_text())
    rows = dict(re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', page)[:3])
    assert list(rows) == [
        "question type <bdi>color</bdi>",
        "answer type <bdi>other</bdi>",
        "answer type <bdi>yes/no</bdi>",
    ]
    cells = re.findall("<td>(.*?)</td>", rows["answer type <bdi>yes/no</bdi>"])
    baselines = results["baselines"]["per_answer_type"]["yes/no"]
    assert cells == ["18"] + [
        f"{value:.1f} %"
        for value in (
            results["accuracy"]["per_answer_type"]["yes/no"],
            0,
            baselines["majority"],
            baselines["same_question"],
        )
    ]
    assert page.count("<svg") == 2
    assert f"epoch {results['best_epoch']} is kept" in page
    trained = results["trainable_parameters"]
    frozen = results["parameters"] - trained
    # Of the CNN: two kernels, and four vectors of batch normalization each.
    assert frozen == 6 * (2 * 2 * 3 + 4) + 8 * (2 * 2 * 6 + 4)
    expected = f"{trained:,} trainable, {frozen:,} frozen"
    assert f"parameters   {expected}" in lines and expected in page


def test_cards_have_the_ids_of_their_questions(report):
    page, _ = report("--examples=10")
    found = re.findall(r"question <bdi>(.*?)</bdi>", page)
    assert len({*found}) == 10
    assert all(re.fullmatch(r"test-\d-\d", name) for name in found)
    assert page.count('<data value="question type color">') == 10


def test_confident_mistakes_come_first(report, run, records):
    task, results = load_run(run)
    opened = Records(records)
    task = task_for_records(task, opened, results)
    predictions = evaluation.predict(
        task, opened, "test", "regions", progress=False
    )
    right = evaluation.right_answers(task, opened, "test", predictions)
    best = predictions.probabilities[:, 0]
    wrong = np.flatnonzero(~right)
    expected = wrong[np.argsort(-best[wrong], kind="stable")][:3]
    names = [q.question_id for q in opened.questions("test")]
    page, _ = report("--examples=3", "--order=confident_mistakes")
    cards = re.findall(r"<article(.*?)</article>", page, re.DOTALL)
    assert all(' class="card wrong">' in card for card in cards)
    shown = [re.search(r"question <bdi>(.*?)</bdi>", card)[1] for card in cards]
    assert list(map(html.unescape, shown)) == [names[i] for i in expected]


def test_a_question_without_an_answer_is_no_mistake(
    report, monkeypatch, records
):
    questions = Records.questions

    def without_answers(self, split, limit=None):
        for question in questions(self, split, limit):
            if not question.question_id.endswith("-0"):
                question = dataclasses.replace(question, answer="")
            yield question

    monkeypatch.setattr(Records, "questions", without_answers)
    page, _ = report("--examples=24", "--order=confident_mistakes")
    found = re.findall(r"question <bdi>(.*?)</bdi>", page)
    assert found and all(name.endswith("-0") for name in found)
