"""Figures of results.json outside their range are refused by name."""

import copy

import pytest

from tests.fixtures.small_results import WITH_FILES
from vqa_keras.errors import UserError
from vqa_keras.runs.results import RunResults


def read(value, *keys):
    values = copy.deepcopy(WITH_FILES)
    inner = values
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    return RunResults.from_json(values, "results.json")


@pytest.mark.parametrize(
    ("value", "keys", "expected"),
    [
        (999.5, ("accuracy", "overall"), "0 to 100. Received: 999.5"),
        (-1, ("grounding", "regions_1", "mass"), "0 to 100. Received: -1"),
        (100.1, ("outside", "per_answer_type", "other"), "0 to 100"),
        (1.5, ("threshold",), "0 to 1. Received: 1.5"),
        (-1, ("questions",), "0 or more. Received: -1"),
        (-24, ("counts", "per_question_type", "color"), "0 or more"),
        (-0.5, ("fit_seconds",), "0 or more. Received: -0.5"),
        (-2, ("files", "config.json", "bytes"), "0 or more. Received: -2"),
    ],
)
def test_a_figure_outside_its_range_is_named(value, keys, expected):
    with pytest.raises(UserError, match=f"{keys[-1]} must be {expected}"):
        read(value, *keys)


@pytest.mark.parametrize("value", [0, 100, 100.00001, -1e-9])
def test_the_rounding_of_float32_is_no_error(value):
    assert read(value, "accuracy", "overall").evaluation.accuracy.overall == (
        value
    )
