"""Calibration: values worked out by hand."""

import numpy as np
import pytest

from vqa_keras.metrics import expected_calibration_error
from vqa_keras.metrics import threshold_table


@pytest.mark.parametrize(
    ("probabilities", "right", "num_bins", "expected"),
    [
        # One bin: |2/4 - 0.7| = 0.2.
        ([0.8, 0.6, 0.8, 0.6], [1, 0, 0, 1], 1, 20),
        # (0, 1/2]: 2/4 |1/2 - 0.3|; (1/2, 1]: 2/4 |1 - 0.8|.
        ([0.2, 0.4, 0.7, 0.9], [1, 0, 1, 1], 2, 20),
        # 0.5 is in (0, 1/2]: with 0.3, 2/3 |1/2 - 0.4|; 0.9: 1/3 |0 - 0.9|.
        ([0.5, 0.3, 0.9], [1, 0, 0], 2, 100 * (0.2 + 0.9) / 3),
        # Opposite errors of one bin cancel, those of two bins do not.
        ([0.5, 0.5], [1, 0], 15, 0),
        ([0.25, 0.75], [1, 0], 1, 0),
        ([0.25, 0.75], [1, 0], 2, 75),
        # The edges 0 and 1, and bins between them that are empty.
        ([0, 1], [0, 1], 15, 0),
        ([0, 1], [1, 0], 15, 100),
        # All right and all wrong: the mean of 1 - p, and of p.
        ([0.1, 0.5, 0.9], [1, 1, 1], 15, 50),
        ([0.2, 0.3, 0.7], [0, 0, 0], 15, 40),
        # 1/15 and 0.05 are in the first of 15 bins: |1/2 - 7/120|.
        ([1 / 15, 0.05], [1, 0], 15, 100 * (0.5 - 7 / 120)),
        # 0.07 is in the second: (|1 - 0.07| + |0 - 0.05|) / 2.
        ([0.07, 0.05], [1, 0], 15, 49),
    ],
)
def test_the_error_is_that_worked_out_by_hand(
    probabilities, right, num_bins, expected
):
    found = expected_calibration_error(probabilities, right, num_bins)
    assert found == pytest.approx(expected, abs=1e-9)


def test_there_are_fifteen_bins_by_default():
    # 0.39 and 0.41 are on two sides of 6/15: |1 - 0.39| and |0 - 0.41|.
    found = expected_calibration_error([0.39, 0.41], [True, False])
    assert found == pytest.approx(51)
    # 0.41 and 0.46 are both in (6/15, 7/15]: |1 - 0.87| / 2.
    found = expected_calibration_error([0.41, 0.46], [True, False])
    assert found == pytest.approx(6.5)


def test_the_order_of_the_questions_does_not_matter():
    rng = np.random.default_rng(0)
    probabilities, right = rng.random(1000), rng.random(1000) < 0.3
    order = rng.permutation(1000)
    first = expected_calibration_error(probabilities, right)
    again = expected_calibration_error(probabilities[order], right[order])
    assert again == pytest.approx(first, abs=1e-9)
    one_by_one = sum(
        inside.sum() * abs(right[inside].mean() - probabilities[inside].mean())
        for m in range(15)
        if (
            inside := (probabilities > m / 15) & (probabilities <= (m + 1) / 15)
        ).any()
    )
    assert first == pytest.approx(one_by_one / 10, abs=1e-9)


def test_the_table_has_coverage_and_accuracy_of_each_threshold():
    table = threshold_table([0.95, 0.55, 0.5, 0.05], [1, 0, 1, 0])
    assert [row["threshold"] for row in table] == [
        0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9,
    ]  # fmt: skip
    assert [row["coverage"] for row in table] == [100] + [75] * 5 + [25] * 4
    accuracy = [row["accuracy"] for row in table]
    assert accuracy == pytest.approx([50] + [200 / 3] * 5 + [100] * 4)


def test_a_threshold_that_no_answer_reaches_has_no_accuracy():
    assert threshold_table([0.2, 0.1], [True, True], [0.3]) == [
        {"threshold": 0.3, "coverage": 0.0, "accuracy": None}
    ]


@pytest.mark.parametrize("value", [0.1, 0.3, 0.6, 0.7, 0.9])
def test_a_probability_equal_to_the_threshold_is_answered(value):
    single = np.array([value], "float32")  # 0.7 is 0.69999999 there
    (row,) = threshold_table(single, [True], [value])
    assert row["coverage"] == 100


@pytest.mark.parametrize(
    ("probabilities", "right", "message"),
    [
        ([0.5, float("nan")], [1, 1], "from 0 to 1. Received: nan"),
        ([float("inf")], [1], "from 0 to 1. Received: inf"),
        ([-0.1], [1], "from 0 to 1. Received: -0.1"),
        ([1.5], [0], "from 0 to 1. Received: 1.5"),
        ([], [], "at least one question. Received: none"),
        ([0.5], [1, 0], r"Received: shapes \(1,\) and \(2,\)"),
        ([[0.5]], [[1]], r"Received: shapes \(1, 1\) and \(1, 1\)"),
    ],
)
@pytest.mark.parametrize(
    "function", [expected_calibration_error, threshold_table]
)
def test_other_values_are_refused(function, probabilities, right, message):
    with pytest.raises(ValueError, match=message):
        function(probabilities, right)


def test_no_bins_are_refused():
    with pytest.raises(ValueError, match="`num_bins` must be.*Received: 0"):
        expected_calibration_error([0.5], [True], 0)
