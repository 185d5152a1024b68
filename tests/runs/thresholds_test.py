"""Answers below a threshold, and calibration, in evaluation and submission."""

import json

import numpy as np
import pytest

from vqa_keras import metrics
from vqa_keras.data import Records
from vqa_keras.errors import UserError
from vqa_keras.runs import evaluation
from vqa_keras.runs.run import load_run
from vqa_keras.runs.run import task_for_records
from vqa_keras.runs.submission import write_submission
from vqa_keras.runs.thresholds import calibration
from vqa_keras.runs.thresholds import name_answers


def test_an_answer_below_the_threshold_is_empty():
    answers = np.array([[1, 0], [0, 2]])
    probabilities = np.array([[0.7, 0.2], [0.5, 0.1]], "float32")
    names = ["red", "a b", ""]
    for threshold, expected in [
        (0.0, [["a b", "red"], ["red", ""]]),
        (0.2, [["a b", "red"], ["red", ""]]),
        (0.7, [["a b", ""], ["", ""]]),
        (1.0, [["", ""], ["", ""]]),
    ]:
        found = name_answers(names, answers, probabilities, threshold)
        assert found.tolist() == expected


def test_probabilities_that_are_not_finite_are_the_runs_fault():
    with pytest.raises(UserError, match="answers of the run: .*Received: nan"):
        calibration(np.array([np.nan]), np.array([True]))


@pytest.fixture
def evaluate(call, run, records, tmp_path):
    """Returns `evaluate(*flags)`: the figures and the lines on stdout."""

    def evaluate(*flags):
        output = tmp_path / "figures.json"
        flags = [f"--data={records}", f"--output={output}", *flags]
        done = call("evaluate", run, *flags)
        assert done.status == 0, done.stderr
        return json.loads(output.read_text()), done.stdout.splitlines()

    return evaluate


def test_evaluate_prints_the_table_below_the_result_rows(evaluate):
    figures, lines = evaluate()
    error = figures["calibration"]["expected_calibration_error"]
    overall = figures["accuracy"]["overall"]
    assert lines[0].startswith(f"accuracy     {overall:.2f} % of 24 test ")
    assert [line for line in lines if line.startswith("accuracy")] == lines[:1]
    row = f"calibration  {error:.2f} % expected calibration error"
    place = lines.index(row)
    assert lines[place + 1].split() == [
        "threshold", "answered", "accuracy", "of", "these",
    ]  # fmt: skip
    table = [line.split() for line in lines[place + 2 :]]
    assert [row[0] for row in table] == [f"{i / 10:.1f}" for i in range(10)]
    assert table[0][1:] == ["100.00", "%", f"{overall:.2f}", "%"]
    assert table[9][1] == "0.00"  # two epochs of training are never sure
    assert table[9][-1] == "-"
    assert "threshold" not in figures


@pytest.fixture
def spread(run, records):
    """The task, the records, and answers of probabilities 0 to 23 / 24."""
    task, results = load_run(run)
    opened = Records(records)
    task = task_for_records(task, opened, results)
    found = evaluation.predict(task, opened, "test", "regions", progress=False)
    probabilities = np.zeros_like(found.probabilities)
    probabilities[:, 0] = np.random.default_rng(0).permutation(24) / 24
    return task, opened, found._replace(probabilities=probabilities)


def test_the_accuracy_above_a_threshold_is_that_of_the_table(spread):
    task, opened, predictions = spread
    plain, right = evaluation.evaluate(task, opened, "test", predictions)
    assert plain.accuracy.overall == 100 * right.mean()
    assert plain.threshold is None
    for row in plain.calibration.thresholds:
        answered = 24 - np.ceil(24 * row.threshold - 1e-6)
        assert row.coverage == pytest.approx(100 * answered / 24)
        found, given = evaluation.evaluate(
            task, opened, "test", predictions, row.threshold
        )
        assert found.threshold == (row.threshold or None)
        assert found.calibration == plain.calibration
        assert found.accuracy.overall == pytest.approx(
            row.coverage * row.accuracy / 100
        )
        best = predictions.probabilities[:, 0]
        np.testing.assert_array_equal(given, right & (best >= row.threshold))


def test_a_submission_has_an_empty_answer_below_the_threshold(
    spread, monkeypatch, capsys
):
    task, opened, predictions = spread
    written = []
    monkeypatch.setattr(
        metrics, "write_submission", lambda *given: written.append(given[2])
    )
    for threshold in (0.0, 0.5, 1.0):
        write_submission(
            task, opened, "test", predictions, "answers.json", threshold
        )
    every, some, none = (list(answers.values()) for answers in written)
    assert "" not in every and none == [""] * 24
    low = predictions.probabilities[:, 0] < 0.5
    assert low.sum() == 12
    assert some == ["" if cut else a for cut, a in zip(low, every, strict=True)]


def test_evaluate_takes_the_threshold(evaluate):
    figures, lines = evaluate("--threshold=1")
    assert figures["threshold"] == 1 and figures["accuracy"]["overall"] == 0
    assert lines[0].startswith("accuracy     0.00 % of 24 test questions")


@pytest.mark.parametrize("value", ["-0.1", "1.1", "nan", "inf", "half", "50"])
def test_a_threshold_outside_0_to_1_is_refused(call, tmp_path, value):
    none = tmp_path / "none"
    done = call("evaluate", none, f"--data={none}", f"--threshold={value}")
    assert (done.status, done.stdout) == (2, "")
    assert "--threshold" in done.stderr and value in done.stderr
