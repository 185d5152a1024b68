"""Compares the probabilities of answers with how often they are right."""

import numpy as np

NUM_BINS = 15
THRESHOLDS = tuple(tenth / 10 for tenth in range(10))


def expected_calibration_error(probabilities, right, num_bins=NUM_BINS):
    """Computes the expected calibration error (ECE), in percent.

    The questions are sorted into M bins of equal width by the probability of
    their best answer. Bin B_m holds probabilities in ((m - 1) / M, m / M], the
    first bin also 0:

        ECE = sum_m |B_m| / Q * |acc(B_m) - conf(B_m)|

    where acc is the fraction of right answers of a bin, conf the mean of its
    probabilities, and Q the number of questions. An empty bin adds 0.

    Source: Guo et al. 2017, On Calibration of Modern Neural Networks,
    https://arxiv.org/abs/1706.04599, equation 3; M = 15 as in its tables.

    Args:
        probabilities: float array, `(Q,)`, of each question's best answer.
        right: bool array, `(Q,)`, whether that answer is right.
        num_bins: int. Number M of bins. Defaults to 15.

    Returns:
        float.

    Raises:
        ValueError: if there is no question, the lengths differ, a probability
            is not a number from 0 to 1, or `num_bins` is not positive.

    Example:
    >>> expected_calibration_error([0.75, 0.75, 0.75, 0.75], [1, 1, 1, 0])
    0.0
    """
    probabilities, right = _checked(probabilities, right)
    if num_bins < 1:
        raise ValueError(f"`num_bins` must be at least 1. Received: {num_bins}")
    inner = np.arange(1, num_bins) / num_bins
    bins = np.searchsorted(inner, probabilities, side="left")
    # |B_m| (acc(B_m) - conf(B_m)) is a sum over the questions of the bin.
    gaps = np.bincount(bins, right - probabilities.astype("float64"), num_bins)
    return float(100 * np.abs(gaps).sum() / len(right))


def threshold_table(probabilities, right, thresholds=THRESHOLDS):
    """Computes coverage and accuracy where unsure answers are withheld.

    A question is answered if the probability of its best answer is at least
    the threshold.

    Args:
        probabilities: float array, `(Q,)`, of each question's best answer.
        right: bool array, `(Q,)`, whether that answer is right.
        thresholds: sequence of float. Defaults to 0, 0.1, ... 0.9.

    Returns:
        list with one dict per threshold: `threshold`; `coverage`, the
        percentage of questions that are answered; `accuracy`, the percentage
        of right answers among these, None if there are none.

    Raises:
        ValueError: as `expected_calibration_error` does.

    Example:
    >>> threshold_table([0.9, 0.4], [True, False], [0.5])
    [{'threshold': 0.5, 'coverage': 50.0, 'accuracy': 100.0}]
    """
    probabilities, right = _checked(probabilities, right)
    rows = []
    for threshold in thresholds:
        answered = probabilities >= threshold
        count = int(answered.sum())
        rows.append(
            {
                "threshold": float(threshold),
                "coverage": 100 * count / len(right),
                "accuracy": 100 * int(right[answered].sum()) / count
                if count
                else None,
            }
        )
    return rows


def _checked(probabilities, right):
    # float32 stays: 0.7 of a model is then at least a threshold of 0.7.
    probabilities, right = np.asarray(probabilities), np.asarray(right, bool)
    if probabilities.ndim != 1 or probabilities.shape != right.shape:
        raise ValueError(
            "`probabilities` and `right` must have shape (questions,). "
            f"Received: shapes {probabilities.shape} and {right.shape}"
        )
    if not len(right):
        raise ValueError(
            "`probabilities` must hold at least one question. Received: none"
        )
    wrong = ~((probabilities >= 0) & (probabilities <= 1))  # also NaN
    if wrong.any():
        raise ValueError(
            "`probabilities` must be numbers from 0 to 1. Received: "
            f"{probabilities[wrong][0]}"
        )
    return probabilities, right
