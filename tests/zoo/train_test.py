"""Training through the command: results, resuming, refusing."""

import json
import shutil

import keras
import keras_hub
import numpy as np
import pytest

from vqa_keras import image_encoders
from vqa_keras.models import VQA


def read(run):
    return json.loads((run / "results.json").read_text())


def weights(run):
    return VQA.from_preset(str(run)).get_weights()


def assert_equal_weights(run, other):
    for a, b in zip(weights(run), weights(other), strict=True):
        np.testing.assert_array_equal(a, b)


def without_seconds(history):
    return [{k: v for k, v in h.items() if k != "seconds"} for h in history]


def test_results_say_what_was_measured_and_how(run, records):
    results = read(run)
    assert results["entry"] == "tiny"
    assert results["dataset"] == "easy_vqa"
    assert results["metric"].startswith("accuracy: exact match")
    assert (results["split"], results["questions"]) == ("test", 24)
    assert results["images"] == 6
    assert set(results["accuracy"]["per_answer_type"]) == {"other", "yes/no"}
    baselines = {"majority", "same_question"}
    by_type = {"per_question_type", "per_answer_type"}
    assert set(results["baselines"]) == baselines | by_type
    assert set(results["baselines"]["per_question_type"]["color"]) == baselines
    assert results["baselines"]["per_answer_type"].keys() == {"other", "yes/no"}
    assert results["counts"]["per_answer_type"] == {"other": 6, "yes/no": 18}
    assert results["outside"]["overall"] == 0
    assert set(results["grounding"]) == {"regions_1", "regions_2"}
    chance = results["grounding"]["regions_1"]["chance"]
    assert chance == pytest.approx(100 / 16)  # one cell of 4 x 4
    assert (results["seed"], results["epochs"]) == (1, 2)
    assert results["command"].startswith("python -m vqa_keras.zoo.train tiny")
    assert "commit" in results
    assert "CPU cores" in results["device"]
    assert results["versions"]["keras"] == keras.__version__
    assert results["seconds"] >= results["fit_seconds"] > 0
    assert results["parameters"] == VQA.from_preset(str(run)).count_params()
    assert len(results["history"]) == 2
    assert {"loss", "val_loss", "val_accuracy"} <= set(results["history"][0])


def test_best_epoch_is_the_first_with_the_highest_validation_accuracy(run):
    results = read(run)
    values = [logs["val_accuracy"] for logs in results["history"]]
    assert results["best_epoch"] == values.index(max(values)) + 1


def test_a_finished_run_is_not_trained_again(call, run, records):
    before = (run / "results.json").read_bytes()
    stamp = (run / "task.weights.h5").stat().st_mtime_ns
    done = call("train", "tiny", f"--data={records}", f"--output={run}")
    assert done.status == 0, done.stderr
    assert "finished" in done.stdout
    assert "accuracy" in done.stdout
    assert (run / "results.json").read_bytes() == before
    assert (run / "task.weights.h5").stat().st_mtime_ns == stamp


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--epochs=1"], ["recipe", "epochs: 2", "Received: 1"]),
        (["--precision=mixed_bfloat16"], ["precision", "float32"]),
        (["--patience=3"], ["patience", "None", "Received: 3"]),
    ],
)
def test_other_settings_are_refused(call, run, records, arguments, words):
    done = call(
        "train", "tiny", f"--data={records}", f"--output={run}", *arguments
    )
    assert done.status == 2
    assert all(word in done.stderr for word in words), done.stderr


def test_a_folder_of_other_files_is_refused(call, records, tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    done = call("train", "tiny", f"--data={records}", f"--output={tmp_path}")
    assert done.status == 2
    assert "which holds thesis.tex" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.slow
def test_noresume_starts_anew(call, run, records, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    done = call(
        "train",
        "tiny",
        f"--data={records}",
        f"--output={copy}",
        "--noresume",
        "--epochs=1",
        "--seed=3",
        "--precision=mixed_bfloat16",
        "--publish",
    )
    assert done.status == 0, done.stderr
    results = read(copy)
    assert (results["epochs"], results["seed"]) == (1, 3)
    assert len(results["history"]) == 1
    assert results["precision"] == "mixed_bfloat16"
    done = call("evaluate", copy, f"--data={records}")
    assert f"{results['accuracy']['overall']:.2f} %" in done.stdout


@pytest.mark.slow
def test_killed_training_continues_to_the_same_weights(
    call, call_killed, records, tmp_path
):
    settings = ["tiny", f"--data={records}", "--epochs=4"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    done = call("train", *settings, f"--output={whole}")
    assert done.status == 0, done.stderr
    for point, last in [("after:2", 2), ("in:3", 2), ("saving:3", 2)]:
        done = call_killed(point, *settings, f"--output={killed}")
        assert done.returncode == -9, done.stderr
        names = (killed / "training" / "checkpoints").glob("epoch_*.h5")
        assert max(int(p.name[6]) for p in names) == last
        assert not (killed / "results.json").exists()
    done = call("train", *settings, f"--output={killed}")
    assert done.status == 0, done.stderr
    assert read(killed)["resumed_after_epoch"] == 2
    assert_equal_weights(killed, whole)
    for name in ("accuracy", "grounding", "best_epoch"):
        assert read(killed)[name] == read(whole)[name]
    assert without_seconds(read(killed)["history"]) == without_seconds(
        read(whole)["history"]
    )
    kept = sorted(p.name for p in (killed / "training/checkpoints").iterdir())
    epochs = sorted({4, read(whole)["best_epoch"]})
    suffixes = ("json", "weights.h5")
    assert kept == [f"epoch_{e}.{s}" for e in epochs for s in suffixes]


@pytest.mark.slow
def test_a_cnn_is_trained_inside_and_becomes_a_preset(call, records, tmp_path):
    run = tmp_path / "pixels"
    done = call(
        "train",
        "pixels",
        f"--data={records}",
        f"--output={run}",
        "--jit=true",
    )
    assert done.status == 0, done.stderr
    task = VQA.from_preset(str(run))
    inside = task.backbone.image_encoder
    alone = keras_hub.models.Backbone.from_preset(str(run / "image_encoder"))
    sha256 = image_encoders.weights_sha256
    assert sha256(alone) == sha256(inside)
    loaded = image_encoders.load(str(run / "image_encoder"))
    assert loaded.output_shape == (None, 4, 4, 8)
    results = read(run)
    assert results["inputs"] == "images"
    assert set(results["grounding"]) == {"regions_1", "regions_2"}
    done = call("evaluate", run, f"--data={records}")
    assert f"{results['accuracy']['overall']:.2f} %" in done.stdout


@pytest.mark.slow
def test_a_recipe_and_a_backbone_of_ones_own_are_trained(
    call, records, zoo_folder, tmp_path, monkeypatch
):
    (tmp_path / "my_package.py").write_text(
        "import keras\n"
        "from vqa_keras.models import StackedBackbone\n\n\n"
        '@keras.saving.register_keras_serializable("mine")\n'
        "class MyBackbone(StackedBackbone):\n"
        "    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    text = (zoo_folder / "tiny" / "recipe.toml").read_text()
    path = tmp_path / "mine.toml"
    path.write_text(text.replace("StackedBackbone", "my_package:MyBackbone"))
    output = tmp_path / "run"
    flags = [f"--data={records}", f"--output={output}", "--epochs=1"]
    flags += ["--set=backbone.num_hops=1", "--set=head.dropout=0.25"]
    done = call("train", path, *flags)
    assert done.status == 0, done.stderr
    results = json.loads((output / "results.json").read_text())
    assert results["recipe"]["backbone"]["num_hops"] == 1
    assert results["recipe"]["head"]["dropout"] == 0.25
    assert set(results["grounding"]) == {"regions_1"}
    task = VQA.from_preset(str(output))
    assert type(task.backbone).__name__ == "MyBackbone"
    done = call("train", path, *flags, "--publish")
    assert done.status == 2 and "--publish must be" in done.stderr


def test_a_model_that_does_not_exist_is_named(call, zoo_folder, tmp_path):
    text = (zoo_folder / "tiny" / "recipe.toml").read_text()
    path = tmp_path / "mine.toml"
    for model in ("no_package:Model", "json:JSONDecoder", "vqa_keras:None"):
        path.write_text(text.replace("StackedBackbone", model))
        done = call("build", path)
        assert done.status == 2, done.stderr
        assert f"Received: {model}" in done.stderr


@pytest.mark.slow
def test_a_run_continues_another_with_its_recipe_and_frozen_parts(
    call, run, records, tmp_path
):
    output = tmp_path / "continued"
    flags = [f"--data={records}", f"--output={output}", f"--from={run}"]
    done = call("train", *flags, "--freeze=question_encoder", "--epochs=1")
    assert done.status == 0, done.stderr
    results = read(output)
    assert results["entry"] == "tiny"
    found = results["initialization"]
    for name in ("weights", "words", "answers"):
        known, total = found[name]
        assert known == total > 0
    before = {w.path: w for w in VQA.from_preset(str(run)).weights}
    task = VQA.from_preset(str(output))
    equal = {
        w.path: np.array_equal(w, before[w.path])
        for w in task.weights
        if w.path in before
    }
    frozen = {path for path in equal if path.startswith("question_encoder/")}
    assert all(equal[path] for path in frozen)
    assert not equal["answer_dense/kernel"]
    assert frozen <= {w.path for w in task.non_trainable_weights}
    done = call("train", *flags, "--epochs=1")
    assert done.status == 2
    assert "same initialization" in done.stderr
