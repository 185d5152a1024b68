"""Training until nothing gets better, for more epochs, with several seeds."""

import dataclasses
import json
import shutil
import statistics

import numpy as np
import pytest

from vqa_keras.data import Records
from vqa_keras.data.dataset_info import DatasetInfo
from vqa_keras.models import VQA
from vqa_keras.runs import evaluation
from vqa_keras.runs.run import load_run
from vqa_keras.runs.run import task_for_records


def read(run):
    return json.loads((run / "results.json").read_text())


def without_split(records, folder, *names):
    """Copies records without some splits."""
    shutil.copytree(records, folder)
    info = DatasetInfo.read(folder)
    splits = {n: s for n, s in info.splits.items() if n not in names}
    (folder / "dataset_info.json").unlink()
    dataclasses.replace(info, splits=splits).write(folder)
    return folder


@pytest.mark.slow
def test_patience_stops_a_training_and_keeps_its_best_epoch(
    call, records, tmp_path
):
    flags = [f"--data={records}", "--patience=2", "--learning_rate=0"]
    run = tmp_path / "run"
    done = call("train", "tiny", *flags, f"--output={run}", "--epochs=9")
    assert done.status == 0, done.stderr
    results = read(run)
    # Nothing is learned: the first epoch stays the best.
    assert (results["best_epoch"], len(results["history"])) == (1, 3)
    assert results["selected"] == "best on validation"
    assert "1 of 3 kept, best on validation (validation accuracy" in done.stdout
    assert "stopped early, of 9" in done.stdout
    assert "chosen" not in done.stdout
    (run / "results.json").unlink()  # as after a kill
    done = call("train", "tiny", *flags, f"--output={run}", "--epochs=9")
    assert done.status == 0, done.stderr
    assert len(read(run)["history"]) == 3


@pytest.mark.slow
def test_figures_on_the_split_that_chose_the_epoch_are_marked(
    call, records, tmp_path
):
    records = without_split(records, tmp_path / "records", "test")
    run = tmp_path / "run"
    flags = [f"--data={records}", f"--output={run}", "--epochs=2"]
    done = call("train", "tiny", *flags, "--patience=2")
    assert done.status == 0, done.stderr
    assert "chosen       the kept epoch is the best on this" in done.stdout
    assert read(run)["selected"].endswith("the split of the figures")


def test_patience_without_a_validation_split_is_refused(
    call, records, tmp_path
):
    records = without_split(records, tmp_path / "records", "validation")
    flags = [f"--data={records}", f"--output={tmp_path / 'run'}"]
    done = call("train", "tiny", *flags, "--patience=2")
    assert done.status == 2
    assert "--patience must be given with a validation split" in done.stderr
    assert not (tmp_path / "run").exists()  # so that no patience is kept in it


@pytest.mark.slow
def test_a_finished_run_is_continued_to_more_epochs(
    call, run, records, tmp_path
):
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    before = read(copy)["history"]
    flags = [f"--data={records}", f"--output={copy}", "--epochs=4"]
    done = call("train", "tiny", *flags)
    assert done.status == 0, done.stderr
    assert "continues" in done.stdout
    results = read(copy)
    assert (results["epochs"], len(results["history"])) == (4, 4)
    assert results["history"][:2] == before
    assert results["resumed_after_epoch"] == 2
    assert results["earlier_epochs"] == [2]


@pytest.mark.slow
def test_several_seeds_become_one_run_of_mean_probabilities(
    call, records, tmp_path
):
    output = tmp_path / "run"
    flags = [f"--data={records}", f"--output={output}", "--epochs=1"]
    done = call("train", "tiny", *flags, "--seeds=3,5")
    assert done.status == 0, done.stderr
    results = read(output)
    each = [read(output / f"seed_{seed}") for seed in (3, 5)]
    assert [r["seed"] for r in each] == [3, 5]
    accuracies = [r["accuracy"]["overall"] for r in each]
    assert results["seeds"] == {
        "seeds": [3, 5],
        "accuracy": accuracies,
        "mean": statistics.mean(accuracies),
        "deviation": statistics.stdev(accuracies),
    }
    data = Records(records)
    found = []
    for folder in (output / "seed_3", output / "seed_5", output):
        task, of_run = load_run(folder)
        task = task_for_records(task, data, of_run)
        predictions = evaluation.predict(
            task, data, "test", "regions", progress=False
        )
        every = np.zeros((len(predictions.answers), task.num_classes))
        np.put_along_axis(
            every, predictions.answers, predictions.probabilities, 1
        )
        found.append(every)
    seen = found[2] > 0  # the best five
    mean = (found[0] + found[1]) / 2
    both = seen & (found[0] > 0) & (found[1] > 0)
    assert both.any()
    np.testing.assert_allclose(found[2][both], mean[both], atol=1e-6)
    for folder in output.glob("seed_*"):
        shutil.rmtree(folder)
    assert VQA.from_preset(str(output)).backbone.image_encoder is not None
    done = call("evaluate", output, f"--data={records}")
    assert f"{results['accuracy']['overall']:.2f} %" in done.stdout
    done = call("train", "tiny", *flags, "--seeds=3,5")
    assert "finished" in done.stdout and "seeds        " in done.stdout
    assert not list(output.glob("seed_*"))
    done = call("train", "tiny", *flags)
    assert done.status == 2
    assert "same seeds" in done.stderr and "Found: [3, 5]" in done.stderr


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--seeds=1,1"], "two or more different whole numbers"),
        (["--seeds=1"], "two or more different whole numbers"),
        (["--seeds=a,b"], "Received: a,b"),
        (["--seeds="], "Received: nothing"),
        (["--seeds=0,1", "--seed=3"], "without --seed. Received: both"),
        (["--seeds=0,1", "--seed=0"], "without --seed. Received: both"),
        (["--seeds=0,1", "--publish"], "without --publish"),
    ],
)
def test_wrong_seeds_are_refused(call, records, tmp_path, flags, message):
    output = tmp_path / "run"
    done = call(
        "train", "tiny", f"--data={records}", f"--output={output}", *flags
    )
    assert done.status == 2
    assert message in done.stderr
    assert not output.exists()


def test_seeds_with_a_cnn_inside_the_model_are_refused(call, records, tmp_path):
    flags = [f"--data={records}", f"--output={tmp_path / 'run'}"]
    done = call("train", "pixels", *flags, "--seeds=0,1")
    assert done.status == 2
    assert "--seeds must be of a recipe whose inputs are" in done.stderr


@pytest.mark.slow
def test_records_without_a_test_split_are_measured_on_validation(
    call, run, records, tmp_path
):
    without = without_split(records, tmp_path / "records", "test")
    done = call("evaluate", run, f"--data={without}")
    assert done.status == 0, done.stderr
    assert "validation questions" in done.stdout
    assert "chosen       the kept epoch" in done.stdout
