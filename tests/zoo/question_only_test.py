"""A run of the entry question_only is a baseline of other runs."""

import json
import shutil

import pytest

from vqa_keras import preset_files


@pytest.fixture
def baseline(run, tmp_path):
    """A run whose results say that it is of the entry question_only."""
    folder = shutil.copytree(run, tmp_path / "baseline")
    results = json.loads((folder / "results.json").read_text())
    results["entry"] = "question_only"
    preset_files.write_results(folder, results)
    return folder


def test_evaluate_shows_its_accuracy_on_the_same_split(
    call, run, baseline, records, tmp_path
):
    output = tmp_path / "figures.json"
    flags = [f"--data={records}", "--split=validation", f"--output={output}"]
    done = call("evaluate", run, f"--question_only={baseline}", *flags)
    assert done.status == 0, done.stderr
    found = json.loads(output.read_text())
    accuracy, baselines = found["accuracy"], found["baselines"]
    # The same weights: the same accuracy.
    assert baselines["question_only"] == pytest.approx(accuracy["overall"])
    for kind in "per_answer_type", "per_question_type":
        for name, of_type in baselines[kind].items():
            expected = pytest.approx(accuracy[kind][name])
            assert of_type["question_only"] == expected
    assert f", question_only {accuracy['overall']:.2f} %\n" in done.stdout


def test_the_report_shows_it(call, run, baseline, records, tmp_path):
    output = tmp_path / "report.html"
    flags = [f"--data={records}", f"--output={output}", "--examples=0"]
    done = call("report", run, f"--question_only={baseline}", *flags)
    assert done.status == 0, done.stderr
    page = output.read_text()
    assert "Baseline, question_only" in page
    done = call("report", run, *flags)
    assert "Baseline, question_only" not in output.read_text()


def test_a_run_of_another_entry_is_refused(call, run, records, tmp_path):
    flags = [f"--data={records}", f"--question_only={run}"]
    done = call("evaluate", run, *flags)
    assert done.status == 2
    assert done.stderr == (
        "error: --question_only must be a run of the entry question_only. "
        f"Received: {run}, a run of tiny\n"
    )
