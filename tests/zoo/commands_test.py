"""The commands beside training: what they print, write and refuse."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.fixtures.small_results import RESULTS
from vqa_keras.data import DatasetInfo

ROOT = pathlib.Path(__file__).parents[2]
COMMANDS = """
    ask build evaluate export predict report ship train
""".split()


@pytest.fixture
def picture(tmp_path):
    pixels = np.full((20, 30, 3), 240, "uint8")
    pixels[4:10, 4:10] = (220, 20, 20)
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_prints_docstring_and_flags(call, command):
    done = call(command, "--help")
    assert done.status == 0
    assert f"python -m vqa_keras.zoo.{command}" in done.stdout
    assert "--[no]list" in done.stdout or "--output" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_a_misspelt_flag_and_a_missing_argument_have_status_2(call, command):
    needed = ["--data=x", "--output=x", "--image=x", "--question=x"]
    named = {"ask": needed[1:], "build": [], "export": needed[1:2]}
    named["predict"] = ["--input=x", "--output=x"]
    named["ship"] = ["--output=x", "--image_encoder=x"]
    flags = named.get(command, needed[:2])
    done = call(command, "x", *flags, "--outptu=x")
    assert (done.status, done.stderr[:7]) == (2, "error: ")
    assert "outptu" in done.stderr
    done = call(command, *flags)
    assert done.status == 2
    assert re.fullmatch(
        "error: The argument must be .*one .* Received: nothing\n",
        done.stderr,
    )


def test_an_unknown_entry_names_the_known_ones(call):
    for command, flags in [("build", []), ("train", ["--data=x"])]:
        flags = [*flags, "--output=x.keras"]
        done = call(command, "stackde", *flags)
        assert done.status == 2
        assert done.stderr.endswith(
            "Known: pixels, tiny; or the path of a recipe, which ends in "
            ".toml\n"
        )


def test_missing_folders_are_named(call, run, records, tmp_path):
    missing = tmp_path / "missing"
    calls = [
        ("evaluate", missing, f"--data={records}"),
        ("evaluate", run, f"--data={missing}"),
        ("report", run, f"--data={missing}", "--output=x.html"),
        ("export", missing, "--output=x"),
        ("train", "tiny", f"--data={missing}", "--output=x"),
        ("evaluate", tmp_path, f"--data={records}"),
    ]
    for arguments in calls:
        done = call(*arguments)
        assert done.status == 2
        assert str(tmp_path) in done.stderr
        assert done.stderr.count("\n") == 1


def test_an_unreadable_run_is_refused(call, records, tmp_path):
    (tmp_path / "results.json").write_text(json.dumps(RESULTS))
    (tmp_path / "config.json").write_text("{half")
    done = call("evaluate", tmp_path, f"--data={records}")
    assert done.status == 2
    assert f"{tmp_path} must hold the whole preset of a task" in done.stderr


def test_evaluate_gives_the_figures_of_the_run(call, run, records, tmp_path):
    output = tmp_path / "figures" / "test.json"
    done = call("evaluate", run, f"--data={records}", f"--output={output}")
    assert done.status == 0, done.stderr
    found = json.loads(output.read_text())
    results = json.loads((run / "results.json").read_text())
    assert found == {name: results[name] for name in found}
    assert {"accuracy", "baselines", "grounding", "questions"} <= set(found)
    assert "most frequent answer of the same question" in done.stdout


def test_an_unknown_split_names_the_known_ones(call, run, records):
    done = call("evaluate", run, f"--data={records}", "--split=dev")
    assert done.status == 2
    assert "train, validation, test. Received: dev" in done.stderr


def test_records_of_another_cnn_are_refused(call, run, write_records):
    other = write_records(encoder_seed=1)
    expected = DatasetInfo.read(other).features.weights_sha256
    done = call("evaluate", run, f"--data={other}")
    assert done.status == 2
    assert str(other / "dataset_info.json") in done.stderr
    assert re.search(f"weights_sha256 [0-9a-f]{{64}}.*{expected}", done.stderr)


def test_records_of_other_vocabularies_are_refused(call, run, write_records):
    words = "[PAD] [UNK] is there the red".split()
    other = write_records(words=words)
    done = call("evaluate", run, f"--data={other}")
    assert done.status == 2
    assert f"{other / 'words.txt'} must be the vocabulary" in done.stderr
    assert "entry 4 is 'the' instead of 'a'" in done.stderr


def test_records_of_another_schema_are_refused(call, run, write_records):
    other = write_records()
    path = other / "dataset_info.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, "schema_version": 7}))
    done = call("evaluate", run, f"--data={other}")
    assert done.status == 2
    assert f"{path}: `schema_version` must be 3, or 2 of" in done.stderr
    assert "Received: 7. Write the records again" in done.stderr


def test_truncated_records_are_refused(call, run, write_records):
    other = write_records()
    path = other / "test-0.tfrecord"
    path.write_bytes(path.read_bytes()[:-9])
    done = call("evaluate", run, f"--data={other}")
    assert done.status == 2
    assert re.search(rf"{path} must have \d+ bytes", done.stderr)


def test_report_shows_wrong_and_right_answers(call, run, records, tmp_path):
    output = tmp_path / "report.html"
    done = call(
        "report",
        run,
        f"--data={records}",
        f"--output={output}",
        "--examples=10",
    )
    assert done.status == 0, done.stderr
    page = output.read_text()
    results = json.loads((run / "results.json").read_text())
    assert page.count("<article") == 10
    wrong = page.count('<article class="card wrong"')
    assert 0 < wrong <= 5
    assert page.count("data:image/png;base64,") == 3 * 10  # two hops
    assert f"{results['accuracy']['overall']:.1f}" in page
    assert "Baseline, same question" in page
    assert "regions 1, pointing accuracy" in page
    assert "what color is the shape?" in page
    assert page.count("<script") == 1  # that of the filters


@pytest.mark.slow
def test_export_writes_a_version_once(call, run, tmp_path):
    done = call("export", run, f"--output={tmp_path}", "--top_k=2")
    assert done.status == 0, done.stderr
    assert done.stdout.endswith(f"saved model  {tmp_path / '1'}\n")
    assert (tmp_path / "1" / "saved_model.pb").is_file()
    done = call("export", run, f"--output={tmp_path}")
    assert done.status == 2
    assert f"{tmp_path / '1'} must be a new folder" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["1"]


def test_build_prints_what_the_model_is(call):
    done = call("build", "pixels")
    assert done.status == 0, done.stderr
    for line in (
        "model        StackedBackbone",
        "input        images (None, 16, 16, 3) float32",
        "attention    regions_2 (None, 16)",
        "answers      3",
        "source       https://example.com/tiny",
    ):
        assert line in done.stdout
    # The CNN is trained, but for the statistics of its batch normalization.
    assert re.search(r"parameters   [\d,]+ trainable, 28 frozen\n", done.stdout)
    entries = call("build", "--list").stdout.splitlines()
    assert [line.split() for line in entries] == [
        [name, "a", "test", "https://example.com/tiny"]
        for name in ("pixels", "tiny")
    ]


def test_build_refuses_another_kind_of_file(call, tmp_path):
    done = call("build", "tiny", f"--output={tmp_path / 'model.h5'}")
    assert done.status == 2
    assert "must end in .keras" in done.stderr


OPENED = """
import sys, warnings
warnings.simplefilter("error", UserWarning)
import vqa_keras
assert "vqa_keras.data" not in sys.modules
import keras
task = keras.saving.load_model(sys.argv[1])
assert task.count_params() == int(sys.argv[2])
assert vqa_keras.zoo.names() and vqa_keras.zoo.build_model
assert vqa_keras.models.VQA.from_preset and vqa_keras.data.load
assert "data" in dir(vqa_keras)
try:
    vqa_keras.nothing
except AttributeError:
    print("opened")
"""


@pytest.mark.slow
def test_a_built_model_opens_where_only_vqa_keras_is_imported(call, tmp_path):
    path = tmp_path / "models" / "tiny.keras"
    done = call("build", "tiny", f"--output={path}")
    count = re.search(r"parameters   ([\d,]+) trainable, 0 f", done.stdout)[1]
    opened = subprocess.run(
        [sys.executable, "-c", OPENED, path, count.replace(",", "")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert opened.stdout == "opened\n", opened.stderr


def test_a_run_of_version_0_1_names_the_command_that_renews_it(
    call, run, records, tmp_path
):
    old = shutil.copytree(run, tmp_path / "old")
    results = json.loads((old / "results.json").read_text())
    results["recipe"]["model"] = "StackedVQA"
    del results["files"], results["sha256"]
    (old / "results.json").write_text(json.dumps(results))
    done = call("evaluate", old, f"--data={records}")
    assert done.status == 2
    assert done.stderr.count("\n") == 1
    assert f"--noresume: {results['command']}" in done.stderr


def test_an_output_that_is_a_file_is_refused(call, records, tmp_path):
    file = tmp_path / "run"
    file.write_text("mine")
    done = call("train", "tiny", f"--data={records}", f"--output={file}")
    assert done.status == 2
    assert "--output must be a folder. Received: a file" in done.stderr
