"""The notebook runs from its first cell to its last on a handful of images."""

import os
import pathlib
import subprocess
import sys

import nbformat
import pytest

from tests.fixtures.small_run import ANSWERS

ROOT = pathlib.Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks" / "quickstart.py"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def executed(records, tmp_path_factory):
    """Runs the notebook in a process of its own: `output folder, text`.

    The folder holds a SavedModel of an earlier run.
    """
    output = tmp_path_factory.mktemp("output")
    (output / "saved_model" / "1").mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, str(NOTEBOOK)],
        cwd=ROOT,
        env=os.environ
        | {
            "PYTHONPATH": str(ROOT),
            "VQA_RECORDS": str(records),
            "VQA_NOTEBOOK_OUTPUT": str(output),
            "VQA_NOTEBOOK_EPOCHS": "2",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    return output, done.stdout


def test_prints_sizes_of_the_records_and_shapes_of_the_attention(executed):
    _, printed = executed
    assert "train: 10 images, 40 questions" in printed
    assert "a grid of (4, 4) regions with 8 features each" in printed
    assert "Epoch 2/2" in printed
    assert "regions_2 (24, 16)" in printed


def test_leaves_a_card_and_a_preset(executed):
    output, _ = executed
    card = (output / "answer.html").read_text(encoding="utf-8")
    assert ">what color is the shape?</h3>" in card
    assert card.count("data:image/png;base64,") == 3  # image and two hops
    assert card.count("<li") == 3
    preset = {path.name for path in (output / "preset").iterdir()}
    assert {"config.json", "task.json", "task.weights.h5"} <= preset


def test_exports_beside_the_saved_model_of_an_earlier_run(executed):
    output, _ = executed
    assert (output / "saved_model" / "2" / "saved_model.pb").is_file()
    assert list((output / "saved_model" / "1").iterdir()) == []


def test_restored_task_and_saved_model_give_the_same_answer(executed):
    lines = executed[1].splitlines()
    _, served = lines[-3].split()  # the first of three, best first
    assert served in ANSWERS
    assert f"['{served}']" in lines


def test_opens_as_a_notebook(tmp_path):
    path = tmp_path / "quickstart.ipynb"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "jupytext", "--to", "notebook"),
            *("--output", str(path), str(NOTEBOOK)),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    starts = [
        line
        for line in NOTEBOOK.read_text(encoding="utf-8").splitlines()
        if line.startswith("# %%")
    ]
    kinds = ["markdown" if "[markdown]" in line else "code" for line in starts]
    assert [cell.cell_type for cell in notebook.cells] == kinds
    assert all(cell.source.strip() for cell in notebook.cells)


def test_every_code_cell_follows_prose_and_is_short():
    text = NOTEBOOK.read_text(encoding="utf-8")
    cells = text.split("# %%")[1:]
    for before, cell in zip(cells, cells[1:], strict=False):
        if "[markdown]" not in cell.splitlines()[0]:
            assert "[markdown]" in before.splitlines()[0], cell
            assert len(cell.strip().splitlines()) <= 20, cell
