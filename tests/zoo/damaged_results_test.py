"""No command ends in a traceback for a damaged results.json."""

import json
import shutil

import pytest

from tests.fixtures.small_results import RESULTS
from vqa_keras import preset_files
from vqa_keras import presets
from vqa_keras.errors import UserError
from vqa_keras.runs.run import load_run

CONTENTS = {
    "empty": "",
    "half": json.dumps(RESULTS)[:200],
    "a list": json.dumps([RESULTS, 3]),
    "no keys": "{}",
    "null": "null",
    "not finite": json.dumps({**RESULTS, "seconds": float("nan")}),
    "no recipe": json.dumps({**RESULTS, "recipe": {}}),
    "recipe of text": json.dumps({**RESULTS, "recipe": "stacked"}),
    "accuracy of text": json.dumps({**RESULTS, "accuracy": "high"}),
    "other inputs": json.dumps({**RESULTS, "inputs": ["regions"]}),
    "old names": json.dumps({**RESULTS, "floors": {}}),
    "old task": json.dumps({**RESULTS, "recipe": {"model": "StackedVQA"}}),
}


@pytest.fixture(params=CONTENTS)
def damaged(request, tmp_path):
    """A folder with a damaged results.json, and nothing else."""
    path = tmp_path / "results.json"
    path.write_text(CONTENTS[request.param], encoding="utf-8")
    return tmp_path


def test_commands_refuse_a_damaged_run_in_one_line(call, records, damaged):
    output = damaged / "out.html"
    flags = {
        "report": [f"--data={records}", f"--output={output}"],
        "evaluate": [f"--data={records}"],
        "ship": ["--image_encoder=grid_cnn", f"--output={output}"],
        "export": [f"--output={output}"],
    }
    with pytest.raises(UserError):
        load_run(damaged)
    for command, arguments in flags.items():
        done = call(command, damaged, *arguments)
        assert (done.status, done.stdout) == (2, "")
        assert done.stderr.startswith(f"error: {damaged / 'results.json'}")
        assert done.stderr.count("\n") == 1
        assert not output.exists()


def test_ask_refuses_a_damaged_run_in_one_line(call, damaged):
    image = damaged / "image.png"
    shutil.copy(presets.example_image("stacked_easy_vqa"), image)
    done = call("ask", damaged, f"--image={image}", "--question=is it red?")
    assert (done.status, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {damaged / 'results.json'}")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", sorted(set(CONTENTS) - {"old task", "a list"}))
def test_the_tables_refuse_damaged_results_in_one_line(call, zoo_folder, name):
    path = zoo_folder / "tiny" / "results.json"
    content = CONTENTS[name]
    try:
        path.write_text(json.dumps([json.loads(content)]))
    except ValueError:
        path.write_text(content)
    try:
        done = call("tables")
    finally:
        path.unlink()
    assert (done.status, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {path}")
    assert done.stderr.count("\n") == 1


def test_the_tables_refuse_a_run_that_was_not_evaluated(call, zoo_folder):
    path = zoo_folder / "tiny" / "results.json"
    path.write_text(json.dumps([{**RESULTS, "split": None}]))
    try:
        done = call("tables")
    finally:
        path.unlink()
    assert done.status == 2
    assert f"{path} must hold runs with a split" in done.stderr


@pytest.mark.parametrize("content", ["", "[]", "{half"])
def test_damaged_settings_of_a_training_are_named(
    call, records, tmp_path, content
):
    path = tmp_path / "run" / "training" / "settings.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    output = tmp_path / "run"
    done = call("train", "tiny", f"--data={records}", f"--output={output}")
    assert (done.status, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(f"error: {output}")
    assert path.read_text() == content


def test_a_preset_whose_results_name_no_cnn_is_refused(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "copy")
    task, results = load_run(copy)  # its CNN is inside
    task.without_image_encoder().save_to_preset(str(copy))
    values = results.to_json() | {"files": preset_files.describe(copy)}
    del values["weights_sha256"]
    values["image_encoder"] = "grid_cnn"
    preset_files.write_results(copy, values)
    with pytest.raises(UserError, match="must be strings. Received.*None"):
        load_run(copy)
