"""The golden outputs stay what they were before the code was rearranged."""

import json

import numpy as np
import pytest

from tests.golden import models
from tests.golden import readers
from tests.golden import trained_run
from tests.golden.make_golden import GOLDEN


@pytest.mark.slow
@pytest.mark.parametrize("entry", models.entries())
def test_an_entry_computes_what_it_did(entry):
    found = models.outputs(entry)
    with np.load(GOLDEN / "models.npz") as golden:
        expected = {
            name.removeprefix(f"{entry}/"): golden[name]
            for name in golden
            if name.startswith(f"{entry}/")
        }
    assert sorted(found) == sorted(expected), (
        "make them with python -m tests.golden.make_golden --models"
    )
    for name, array in expected.items():
        np.testing.assert_allclose(
            found[name], array, rtol=1e-5, atol=1e-5, err_msg=name
        )


@pytest.mark.beam
@pytest.mark.parametrize("name", readers.READERS)
def test_a_reader_writes_the_records_that_it_did(name, tmp_path):
    written = readers.write(name, tmp_path)
    golden = json.loads((GOLDEN / "records.json").read_text("utf-8"))
    assert readers.contents(written, name) == golden[name]
    if name == "grid_cnn":
        with np.load(GOLDEN / "features.npz") as features:
            np.testing.assert_allclose(
                readers.some_features(written),
                features["features"],
                rtol=2**-10,  # one unit of float16, which features are
                atol=1e-5,
            )


@pytest.mark.beam
@pytest.mark.slow
def test_a_run_answers_as_it_did(tmp_path):
    written = trained_run.records(tmp_path)
    with np.load(GOLDEN / "weights.npz") as weights:
        run = trained_run.make_run(written, weights, tmp_path / "run")
    numbers, texts = trained_run.outputs(written, run, tmp_path)
    golden = json.loads((GOLDEN / "run.json").read_text("utf-8"))
    evaluated = texts.pop("evaluated"), golden.pop("evaluated")
    assert texts == golden
    found, expected = map(_numbers, evaluated)
    assert found == pytest.approx(expected, abs=1e-3)
    # Features are float16, and one unit of theirs moves a probability by more
    # than a machine does.
    with np.load(GOLDEN / "run.npz") as arrays:
        assert sorted(numbers) == sorted(arrays)
        for name in arrays:
            np.testing.assert_allclose(
                numbers[name], arrays[name], atol=1e-3, err_msg=name
            )


def _numbers(result, path=""):
    """The numbers of nested dicts, by path."""
    if not isinstance(result, dict):
        return {path: result}
    numbers = {}
    for name, value in result.items():
        numbers |= _numbers(value, f"{path}/{name}")
    return numbers
