"""Several seeds and the run of their mean, through the commands."""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.zoo.train_test import read
from vqa_keras.data import Records
from vqa_keras.models import VQA
from vqa_keras.runs import evaluation

SEEDS = (3, 1)


@pytest.fixture(scope="module")
def trained(call, records, tmp_path_factory):
    """What the command printed, and its folder."""
    folder = tmp_path_factory.mktemp("seeds") / "runs"
    flags = [f"--data={records}", f"--output={folder}", "--epochs=1"]
    done = call("train", "tiny", *flags, "--seeds=3,1", "--learning_rate=0.05")
    assert done.status == 0, done.stderr
    return done.stdout, folder


def probabilities(folder, records):
    task = VQA.from_preset(str(folder)).without_image_encoder()
    outputs = evaluation.predict(
        task, Records(records), "test", "regions", progress=False
    )
    rows = np.zeros((len(outputs.answers), 5))
    np.put_along_axis(rows, outputs.answers, outputs.probabilities, axis=1)
    return rows, outputs.attention


@pytest.mark.slow
def test_the_run_of_the_mean_has_the_mean_of_probabilities(trained, records):
    _, folder = trained
    found, attention = probabilities(folder, records)
    members = [probabilities(folder / f"seed_{s}", records) for s in SEEDS]
    assert np.abs(members[0][0] - members[1][0]).max() > 1e-3
    expected = np.mean([rows for rows, _ in members], axis=0)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    for name, weights in attention.items():
        expected = np.mean([maps[name] for _, maps in members], axis=0)
        np.testing.assert_allclose(weights, expected, atol=1e-6)


@pytest.mark.slow
def test_results_have_each_seed_and_their_mean(trained):
    printed, folder = trained
    results, members = read(folder), [read(folder / f"seed_{s}") for s in SEEDS]
    assert [m["seed"] for m in members] == [3, 1]
    accuracy = [m["accuracy"]["overall"] for m in members]
    assert results["seeds"] == {
        "seeds": [3, 1],
        "accuracy": accuracy,
        "mean": round(statistics.mean(accuracy), 2),
        "deviation": round(statistics.stdev(accuracy), 2),
    }
    assert (results["split"], results["questions"]) == ("test", 24)
    assert results["best_epoch"] is None and results["history"] == []
    task = VQA.from_preset(str(folder / "seed_3"))
    cnn = task.backbone.image_encoder.count_params()
    own = sum(m["parameters"] - cnn for m in members)
    assert results["parameters"] == cnn + own
    flops = [m["flops_per_question"] for m in members]
    assert results["flops_per_question"] > sum(flops)
    for seed, value in zip(SEEDS, accuracy, strict=True):
        assert f"seed {seed}       {value:.2f} %\n" in printed
    mean, deviation = results["seeds"]["mean"], results["seeds"]["deviation"]
    line = f"seeds        mean {mean:.2f} %, standard deviation {deviation:.2f}"
    assert line in printed
    lines = [x for x in printed.splitlines() if x.startswith("accuracy ")]
    overall = results["accuracy"]["overall"]
    assert [x.split(" of ")[0] for x in lines] == [
        f"accuracy     {overall:.2f} %"
    ]


@pytest.mark.slow
def test_commands_read_the_mean_without_the_seeds(
    trained, call, records, tmp_path
):
    _, folder = trained
    mean = tmp_path / "mean"
    shutil.copytree(folder, mean, ignore=shutil.ignore_patterns("seed_*"))
    overall = f"accuracy     {read(mean)['accuracy']['overall']:.2f} %"
    page = tmp_path / "report.html"
    done = call("report", mean, f"--data={records}", f"--output={page}")
    assert overall in done.stdout, done.stderr
    assert "the mean of the probabilities of 3, 1" in page.read_text()
    image = tmp_path / "image.png"
    first = next(Records(records).images("test"))
    image.write_bytes(first.image)
    program = (
        "import json, sys; from vqa_keras.models import VQA; "
        "answer = VQA.from_preset(sys.argv[1]).ask(*sys.argv[2:]); "
        "print(json.dumps([answer.answers, answer.probabilities]))"
    )
    command = [sys.executable, "-c", program, mean, image, "is there a red"]
    other = subprocess.run(
        command, capture_output=True, text=True, env=os.environ, check=True
    )
    answers, values = json.loads(other.stdout)
    done = call("export", mean, f"--output={tmp_path / 'saved'}")
    assert done.status == 0, done.stderr
    served = tf.saved_model.load(str(tmp_path / "saved" / "1"))
    found = served.signatures["serving_default"](
        images=tf.constant([first.image]),
        questions=tf.constant(["is there a red"]),
    )
    scores = found["scores"].numpy()[0]
    np.testing.assert_allclose(scores, values, atol=1e-5)
    assert [a.decode() for a in found["answers"].numpy()[0]] == answers


@pytest.mark.slow
def test_the_same_command_continues_and_more_epochs_reach_all_seeds(
    trained, call, records, tmp_path
):
    folder = tmp_path / "runs"
    shutil.copytree(trained[1], folder)
    flags = ["tiny", f"--data={records}", f"--output={folder}"]
    flags += ["--learning_rate=0.05", "--seeds=3,1"]
    before = (folder / "results.json").read_bytes()
    done = call("train", *flags, "--epochs=1")
    assert "finished" in done.stdout and "seeds        mean" in done.stdout
    assert (folder / "results.json").read_bytes() == before
    # as if killed while the second seed was trained
    (folder / "results.json").unlink()
    shutil.rmtree(folder / "seed_1")
    done = call("train", *flags, "--epochs=2")
    assert done.status == 0, done.stderr
    assert [len(read(folder / f"seed_{s}")["history"]) for s in SEEDS] == [2, 2]
    assert read(folder / "seed_3")["earlier_epochs"] == [1]
    assert "earlier_epochs" not in read(folder / "seed_1")
    done = call("train", *flags[:-1], "--seeds=1,2", "--epochs=2")
    assert done.status == 2
    assert "same seeds" in done.stderr and "Received: [1, 2]" in done.stderr


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--seeds=0,0"], "different whole numbers.* Received: 0,0"),
        (["--seeds=0,-1"], "different whole numbers.* Received: 0,-1"),
        (["--seeds=0,x"], "different whole numbers.* Received: 0,x"),
        (["--seeds="], "different whole numbers.* Received: nothing"),
        (["--seeds=0,1", "--seed=0"], "without --seed. Received: both"),
        (["--seeds=0,1", "--publish"], "without --publish. Received: both"),
    ],
)
def test_seeds_that_do_not_fit_are_refused(
    call, records, tmp_path, flags, message
):
    output = tmp_path / "run"
    done = call(
        "train", "tiny", f"--data={records}", f"--output={output}", *flags
    )
    assert done.status == 2
    assert done.stderr.startswith("error: --seeds must be ")
    assert re.search(message, done.stderr), done.stderr
    assert not output.exists()


def test_a_recipe_that_trains_its_image_encoder_is_refused(
    call, records, tmp_path
):
    output = tmp_path / "run"
    flags = [f"--data={records}", f"--output={output}", "--seeds=0,1"]
    done = call("train", "pixels", *flags)
    assert done.status == 2
    assert "--seeds must be for a recipe that takes the features" in done.stderr
    assert "Received: pixels" in done.stderr
    assert not output.exists()
