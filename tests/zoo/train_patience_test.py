"""Patience and more epochs, through the train command."""

import json
import shutil

import pytest

from tests.zoo.train_test import assert_equal_weights
from tests.zoo.train_test import read
from tests.zoo.train_test import without_seconds
from vqa_keras.runs.selection import CHOSEN_ON

# Nothing changes at this rate, so that the first epoch stays the best one.
STOPS = ["--epochs=6", "--patience=2", "--learning_rate=0"]


@pytest.mark.slow
def test_a_killed_training_stops_at_the_same_epoch(
    call, call_killed, records, tmp_path
):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    flags = ["tiny", f"--data={records}", *STOPS]
    done = call("train", *flags, f"--output={whole}")
    assert done.status == 0, done.stderr
    results = read(whole)
    assert (results["epochs"], results["patience"]) == (6, 2)
    assert (results["stopped_after"], results["best_epoch"]) == (3, 1)
    assert results["selected"] == "best on validation"
    assert len(results["history"]) == 3
    accuracy = 100 * results["history"][0]["val_accuracy"]
    assert "stopped      after epoch 3 of 6: 2 without a better" in done.stdout
    line = f"epoch        1 of 3 kept, best on validation ({accuracy:.2f} %)\n"
    assert line in done.stdout
    assert "accuracy     " in done.stdout
    assert "epoch was chosen" not in done.stdout
    ended = call_killed("after:3", *flags, f"--output={killed}")
    assert ended.returncode == -9, ended.stderr
    done = call("train", *flags, f"--output={killed}")
    assert done.status == 0, done.stderr
    assert line in done.stdout
    assert_equal_weights(killed, whole)
    assert without_seconds(read(killed)["history"]) == without_seconds(
        results["history"]
    )


@pytest.mark.slow
def test_without_a_test_split_the_figure_is_marked_as_chosen_on(
    call, write_records, tmp_path
):
    records = write_records(images={"train": 4, "validation": 2})
    run = tmp_path / "run"
    flags = ["tiny", f"--data={records}", f"--output={run}"]
    done = call("train", *flags, *STOPS)
    assert done.status == 0, done.stderr
    assert read(run)["selected"] == CHOSEN_ON
    assert read(run)["best_epoch"] == 1
    assert f"epoch        1 of 3 kept, {CHOSEN_ON} (" in done.stdout
    (line,) = (x for x in done.stdout.splitlines() if x.startswith("accuracy "))
    assert line.endswith("validation questions, on which the epoch was chosen")
    done = call("evaluate", run, f"--data={records}", "--split=validation")
    assert "the model was chosen on this split" in done.stdout


def test_patience_without_a_validation_split_makes_no_folder(
    call, write_records, tmp_path
):
    records = write_records(images={"train": 2, "test": 1})
    flags = [f"--data={records}", f"--output={tmp_path / 'run'}"]
    done = call("train", "tiny", *flags, "--patience=1")
    assert done.status == 2
    assert "--patience must be for records whose valid" in done.stderr
    assert "Received: records of train, test in" in done.stderr
    assert not (tmp_path / "run").exists()


def test_more_epochs_continue_a_finished_run(call, run, records, tmp_path):
    copied = tmp_path / "run"
    shutil.copytree(run, copied)
    flags = ["tiny", f"--data={records}", f"--output={copied}"]
    done = call("train", *flags, "--epochs=3")
    assert done.status == 0, done.stderr
    assert "continued    after epoch 2, from 2 to 3 epochs: " in done.stdout
    before, after = read(run), read(copied)
    assert after["history"][:2] == before["history"]
    assert len(after["history"]) == after["epochs"] == 3
    assert after["earlier_epochs"] == [2]
    assert after["resumed_after_epoch"] == 2
    settings = json.loads((copied / "training" / "settings.json").read_text())
    assert settings["recipe"]["training"]["epochs"] == 3
    done = call("train", *flags, "--epochs=3")
    assert "finished" in done.stdout
    assert "epoch        " in done.stdout
    done = call("train", *flags)
    assert done.status == 2
    assert "epochs: 3. Received: 2" in done.stderr
