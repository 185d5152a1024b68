"""`zoo.train` of a training that diverges, or that another process writes."""

import json

import keras
import numpy as np
import pytest

from vqa_keras.lock import LOCK
from vqa_keras.lock import one_writer
from vqa_keras.models import VQA
from vqa_keras.runs import finite


def read(run):
    return json.loads((run / "results.json").read_text())


class NanInEpoch3(finite.StopNotFinite):
    """Gives the model a weight that is not a number in epoch 3."""

    def on_epoch_begin(self, epoch, logs=None):
        super().on_epoch_begin(epoch, logs)
        if epoch == 2:
            weight = self.model.get_layer("answer_dense").bias
            weight.assign(np.full(weight.shape, np.nan))


@pytest.fixture
def diverging(monkeypatch):
    monkeypatch.setattr("vqa_keras.runs.training.StopNotFinite", NanInEpoch3)


@pytest.mark.slow
def test_a_training_that_diverges_keeps_its_last_finite_epoch(
    call, records, tmp_path, diverging
):
    run = tmp_path / "run"
    command = ["train", "tiny", f"--data={records}", f"--output={run}"]
    done = call(*command, "--epochs=4")
    assert done.status == 2
    error = done.stderr
    assert "Received: loss nan after batch 1 in epoch 3. Likely causes" in error
    assert "epoch, 2, is kept: the same command with --epochs=2 ends" in error
    assert "Traceback" not in error
    assert not (run / "results.json").exists()
    names = {path.name for path in (run / "training/checkpoints").iterdir()}
    assert {"epoch_2.json", "epoch_2.weights.h5"} <= names
    assert "epoch_3.weights.h5" not in names
    again = call(*command, "--epochs=4")
    assert again.status == 2 and again.stderr == error
    assert "Epoch" not in again.stdout  # nothing was trained
    export = call("export", run, f"--output={tmp_path / 'served'}")
    assert export.status == 2 and "results.json must be" in export.stderr

    done = call(*command, "--epochs=2")
    assert done.status == 0, done.stderr
    results = read(run)
    assert (results["epochs"], results["earlier_epochs"]) == (2, [4])
    assert len(results["history"]) == results["resumed_after_epoch"] == 2
    for weight in VQA.from_preset(str(run)).get_weights():
        assert np.isfinite(weight).all()
    assert call(*command, "--epochs=4").stderr == error
    assert read(run) == results
    assert call(*command, "--epochs=2").stdout.startswith("finished     ")


@pytest.mark.slow
def test_a_seed_that_diverges_can_be_ended_alone(
    call, records, tmp_path, diverging
):
    run = tmp_path / "run"
    command = ["train", "tiny", f"--data={records}"]
    done = call(*command, f"--output={run}", "--seeds=4,5", "--epochs=3")
    assert done.status == 2
    alone = [f"--output={run / 'seed_4'}", "--seed=4"]
    for words in (*alone, "in place of --seeds", "--epochs=2"):
        assert words in done.stderr
    assert not (run / "results.json").exists()
    done = call(*command, *alone, "--epochs=2")
    assert done.status == 0, done.stderr
    assert read(run / "seed_4")["seed"] == 4


@pytest.mark.slow
def test_a_damaged_checkpoint_is_skipped_to_the_same_results(
    call, records, tmp_path
):
    command = ["train", "tiny", f"--data={records}"]
    copy = tmp_path / "copy"
    done = call(*command, f"--output={copy}", "--learning_rate=0")
    assert done.status == 0, done.stderr
    before = read(copy)
    assert before["best_epoch"] == 1  # so both epochs are there
    (copy / "results.json").unlink()
    path = copy / "training" / "checkpoints" / "epoch_2.weights.h5"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    done = call(*command, f"--output={copy}", "--learning_rate=0")
    assert done.status == 0, done.stderr
    assert f"skipped      {path}, damaged: content of another" in done.stdout
    assert "continues after epoch 1" in done.stdout
    for name in ("accuracy", "best_epoch", "epochs"):
        assert read(copy)[name] == before[name]


def test_a_run_that_another_process_trains_is_refused(call, records, tmp_path):
    run = tmp_path / "run"
    command = ["train", "tiny", f"--data={records}", f"--output={run}"]
    for flags in ([], ["--seeds=0,1"], ["--noresume"]):
        with one_writer(run, run / "training" / LOCK):
            done = call(*command, *flags)
        assert done.status == 2
        assert f"{run} must be written by one process at a" in done.stderr
        assert not run.exists()


def test_an_export_that_another_process_writes_is_refused(call, run, tmp_path):
    served = tmp_path / "served"
    if keras.config.backend() != "tensorflow":
        pytest.skip("a SavedModel is of TensorFlow")
    with one_writer(served / "1", served / ".1.lock"):
        done = call("export", run, f"--output={served}")
    assert done.status == 2
    assert "must be written by one process at a" in done.stderr


def test_answers_that_another_process_writes_are_refused(call, run, tmp_path):
    output = tmp_path / "answers.jsonl"
    with one_writer(output, tmp_path / ".answers.jsonl.lock"):
        done = call("predict", run, "--input=x.jsonl", f"--output={output}")
    assert done.status == 2
    assert "must be written by one process at a" in done.stderr
