"""The values of a recipe for photographs, through the command."""

import json

import pytest

PHOTOGRAPHS = """
[photographs]
backbone.num_hops = 1
head.dropout = 0.25
training.epochs = 1
"""


@pytest.mark.slow
def test_a_training_on_photographs_takes_and_names_their_values(
    call, records, zoo_folder, tmp_path
):
    info = records / "dataset_info.json"
    assert json.loads(info.read_text())["features"]["name"] != "grid_cnn"
    text = (zoo_folder / "tiny" / "recipe.toml").read_text()
    path, output = tmp_path / "mine.toml", tmp_path / "run"
    path.write_text(text + PHOTOGRAPHS)
    flags = [f"--data={records}", f"--output={output}"]
    done = call("train", path, *flags, "--set=head.dropout=0.5")
    assert done.status == 0, done.stderr
    assert done.stdout.startswith(
        f"recipe       {path} for photographs: backbone.num_hops=1, "
        "head.dropout=0.25, training.epochs=1\n"
    )
    results = json.loads((output / "results.json").read_text())
    assert "photographs" not in results["recipe"]
    assert results["recipe"]["backbone"]["num_hops"] == 1
    assert results["recipe"]["head"]["dropout"] == 0.5
    assert results["epochs"] == 1
    assert set(results["grounding"]) == {"regions_1"}


def test_a_value_for_photographs_that_does_not_fit_is_named(
    call, records, zoo_folder, tmp_path
):
    text = (zoo_folder / "tiny" / "recipe.toml").read_text()
    path = tmp_path / "mine.toml"
    path.write_text(text + "[photographs]\nbackbone.hops = 1\n")
    done = call("train", path, f"--data={records}", f"--output={tmp_path}")
    assert done.status == 2
    assert done.stderr == (
        "error: [photographs] must be NAME=VALUE with a NAME of the recipe. "
        "Received: backbone.hops=1; did you mean backbone.num_hops?\n"
    )
