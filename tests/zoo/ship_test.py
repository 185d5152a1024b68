"""Presets that are shipped, by the commands."""

import json

import pytest

from vqa_keras import preset_files
from vqa_keras import presets
from vqa_keras.data import Records
from vqa_keras.errors import UserError
from vqa_keras.models import VQA


def test_ship_leaves_the_cnn_out_and_names_it(call, run, records, tmp_path):
    cnn = Records(records).image_encoder()
    cnn.save(tmp_path / "cnn.keras")
    output = tmp_path / "preset"
    flags = [f"--image_encoder={tmp_path / 'cnn.keras'}", f"--output={output}"]
    done = call("ship", run, *flags)
    assert done.status == 0, done.stderr
    results = json.loads((output / "results.json").read_text())
    shipped = set(results.pop("files")) | {"results.json"}
    assert shipped == {
        path.relative_to(output).as_posix()
        for path in output.rglob("*")
        if path.is_file()
    }
    assert preset_files.check(output)["files"]
    trained = json.loads((run / "results.json").read_text())
    for values in (results, trained):
        del values["sha256"]
    del trained["files"]
    assert results == trained | {"image_encoder": str(tmp_path / "cnn.keras")}
    sizes = [
        (folder / "model.weights.h5").stat().st_size for folder in (output, run)
    ]
    assert sizes[0] < sizes[1]
    figures = [
        call("evaluate", folder, f"--data={records}").stdout
        for folder in (output, run)
    ]
    assert figures[0] == figures[1] != ""
    (output / "results.json").unlink()
    with pytest.raises(UserError, match="must have the results.json it was sh"):
        VQA.from_preset(output)


def test_ship_refuses_another_cnn_and_writes_nothing(call, run, tmp_path):
    output = tmp_path / "preset"
    flags = ["--image_encoder=grid_cnn", f"--output={output}"]
    done = call("ship", run, *flags)
    assert done.status == 2
    assert "grid_cnn must have the weights" in done.stderr
    assert not output.exists()


@pytest.mark.slow
def test_every_command_that_reads_a_run_takes_a_shipped_name(
    call, records, tmp_path
):
    name = "stacked_easy_vqa"
    image = presets.example_image(name)
    question = "--question=is there a triangle?"
    done = call("ask", name, f"--image={image}", question, "--top_k=1")
    assert done.stdout.endswith("  yes\n"), done.stderr
    done = call("export", name, f"--output={tmp_path}")
    assert done.status == 0, done.stderr
    assert (tmp_path / "1" / "saved_model.pb").is_file()
    for command in ("evaluate", "report"):  # records of other words and CNN
        done = call(
            command, name, f"--data={records}", f"--output={tmp_path / 'x'}"
        )
        assert done.status == 2
        assert "must be the vocabulary of the model" in done.stderr


def test_a_misspelt_shipped_name_suggests_the_right_one(call, tmp_path):
    done = call("export", "stacked_easyvqa", f"--output={tmp_path}")
    assert done.status == 2
    assert done.stderr.endswith("did you mean stacked_easy_vqa?\n")
