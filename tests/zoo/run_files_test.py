"""Commands refuse a run whose files are not those that were written."""

import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest

from vqa_keras import preset_files
from vqa_keras import presets
from vqa_keras import serving
from vqa_keras.errors import UserError
from vqa_keras.models import VQA
from vqa_keras.runs.run import load_run
from vqa_keras.zoo.outputs import check_output

ROOT = pathlib.Path(__file__).parents[2]
IMAGE = presets.example_image("stacked_easy_vqa")
ASKED = ["--question=is there a red shape?", f"--image={IMAGE}"]


def commands(run, records, output):
    """The commands that read a run, with outputs in a folder."""
    data = f"--data={records}"
    file = output / "questions.jsonl"
    shutil.copy(IMAGE, output)
    line = {"question_id": "1", "image": IMAGE.name, "question": "what?"}
    file.write_text(json.dumps(line) + "\n")
    return {
        "ask": [run, *ASKED, f"--output={output / 'ask.png'}"],
        "predict": [run, f"--input={file}", f"--output={output / 'a.jsonl'}"],
        "evaluate": [run, data, f"--output={output / 'figures.json'}"],
        "report": [run, data, f"--output={output / 'report.html'}"],
        "export": [run, f"--output={output / 'served'}"],
        "train": [
            "tiny",
            data,
            f"--from={run}",
            "--epochs=1",
            f"--output={output / 'run'}",
        ],
    }


@pytest.fixture
def copy(run, tmp_path):
    return shutil.copytree(run, tmp_path / "copy")


@pytest.fixture
def output(tmp_path):
    (tmp_path / "output").mkdir()
    return tmp_path / "output"


def test_a_run_names_the_files_of_its_preset(run):
    values = preset_files.check(run)
    assert {"config.json", "model.weights.h5", "task.weights.h5"} <= set(
        values["files"]
    )
    assert values["files"] == preset_files.describe(run)
    assert not [name for name in values["files"] if "training" in name]


def test_every_command_names_a_changed_file(call, copy, records, output):
    path = copy / "task.weights.h5"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    for command, arguments in commands(copy, records, output).items():
        done = call(command, *arguments)
        assert (done.status, done.stderr.count("\n")) == (2, 1), command
        assert done.stderr.startswith(f"error: {path} must have the content")
    written = {path.name for path in output.rglob("*") if path.is_file()}
    assert written == {"questions.jsonl", IMAGE.name}
    with pytest.raises(UserError, match="task.weights.h5 must have the cont"):
        VQA.from_preset(copy)


def test_a_finished_run_with_a_missing_file_is_not_called_finished(
    call, copy, records
):
    (copy / "tokenizer.json").unlink()
    done = call("train", "tiny", f"--data={records}", f"--output={copy}")
    assert done.status == 2
    assert done.stderr.startswith(f"error: {copy / 'tokenizer.json'} must be")


def test_a_run_of_an_earlier_version_is_read(copy):
    values = json.loads((copy / "results.json").read_text())
    del values["files"], values["sha256"]
    (copy / "results.json").write_text(json.dumps(values))
    task, results = load_run(copy)
    assert results.files is None and task.preprocessor


def test_weights_that_are_not_finite_are_not_exported(copy, output):
    task, _ = load_run(copy)
    weight = task.answer_dense.bias
    weight.assign(np.full(weight.shape, np.nan))
    with pytest.raises(UserError, match="must be finite. Received: answer_den"):
        serving.export(task, output)
    assert not list(output.iterdir())


def test_a_run_of_weights_that_are_not_finite_is_refused_by_every_command(
    call, copy, records, output
):
    task, results = load_run(copy)
    weight = task.answer_dense.kernel
    weight.assign(np.full(weight.shape, np.inf))
    task.save_to_preset(copy)
    files = preset_files.describe(copy)
    preset_files.write_results(copy, results.to_json() | {"files": files})
    for command, arguments in commands(copy, records, output).items():
        done = call(command, *arguments)
        assert (done.status, done.stderr.count("\n")) == (2, 1), command
        assert f"The weights of {copy} must be finite" in done.stderr


@pytest.mark.parametrize(
    "command", ["ask", "predict", "evaluate", "report", "export"]
)
def test_an_output_that_cannot_be_written_is_refused_before_the_run_is_read(
    call, tmp_path, records, output, command
):
    shutil.rmtree(output)
    arguments = {}
    output.mkdir()
    arguments = commands("stacked_easy_vqa", records, output)[command]
    blocked = tmp_path / "file"
    blocked.touch()
    *rest, last = arguments
    name = pathlib.Path(last).name
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vqa_keras.runs.run.load_run", _not_read)
        done = call(command, *rest, f"--output={blocked / 'in' / name}")
    assert (done.status, done.stderr.count("\n")) == (2, 1), done.stderr
    assert str(blocked) in done.stderr


def _not_read(_):
    raise AssertionError("the run was read")


def test_an_output_may_be_a_new_file_only_in_a_folder_that_takes_it(tmp_path):
    check_output(tmp_path / "new" / "file.json")
    assert not (tmp_path / "new").exists()
    (tmp_path / "new").mkdir()
    with pytest.raises(UserError, match="must be a file to write. Received"):
        check_output(tmp_path / "new")
    check_output(None)


@pytest.fixture
def read_only(tmp_path):
    """Function of a folder that returns a mount of it that takes no file."""
    mounted = []

    def mount(folder):
        path = tmp_path / "read_only" / str(len(mounted))
        path.mkdir(parents=True)
        for options in (["--bind", folder], ["-o", "remount,bind,ro"]):
            command = ["mount", *options, path]
            if subprocess.run(command, capture_output=True).returncode:
                pytest.skip("mounting is not allowed here")
            if path not in mounted:
                mounted.append(path)
        with pytest.raises(OSError):
            (path / "new").touch()
        return path

    yield mount
    for path in mounted:
        subprocess.run(["umount", path], check=True)


def test_every_command_reads_a_run_and_records_on_a_read_only_disk(
    call, run, records, read_only, output
):
    run, records = read_only(run), read_only(records)
    for command, arguments in commands(run, records, output).items():
        done = call(command, *arguments)
        assert done.status == 0, (command, done.stderr)
    served = read_only(output / "served")
    script = ROOT / "examples" / "ask_saved_model.py"
    asked = subprocess.run(
        [sys.executable, script, served, IMAGE, "is there a red shape?"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    _, first, *_ = asked.stdout.splitlines()
    task, _ = load_run(run)
    answer = task.ask(IMAGE, "is there a red shape?").answers[0]
    assert first.split("%  ")[1] == answer


def test_no_command_changes_the_run_or_the_records(call, run, records, output):
    def state():
        return {
            path: (path.stat().st_mtime_ns, path.stat().st_size)
            for folder in (run, records)
            for path in [folder, *folder.rglob("*")]
        }

    before = state()
    for command, arguments in commands(run, records, output).items():
        done = call(command, *arguments)
        assert done.status == 0, (command, done.stderr)
    assert state() == before
