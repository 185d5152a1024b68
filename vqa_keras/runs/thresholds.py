"""Answers below a probability, and how far probabilities can be trusted."""

from collections.abc import Sequence

import numpy as np

from vqa_keras import metrics
from vqa_keras.errors import UserError
from vqa_keras.runs.figures import AtThreshold
from vqa_keras.runs.figures import Calibration


def name_answers(
    names: Sequence[str],
    answers: np.ndarray,
    probabilities: np.ndarray,
    threshold: float = 0.0,
) -> np.ndarray:
    """Returns the texts of answers, "" where a probability is too low.

    Args:
        names: the texts of the classes.
        answers: ints of any shape, the classes.
        probabilities: of these answers, in the same shape.
        threshold: the lowest probability of an answer that is given.

    Returns:
        An object array of str, in the same shape.
    """
    texts = np.array(names, dtype=object)[answers]
    return np.where(probabilities < threshold, "", texts)


def calibration(probabilities: np.ndarray, right: np.ndarray) -> Calibration:
    """Returns how the probabilities of best answers agree with the accuracy.

    Args:
        probabilities: `(Q,)`, of the best answers.
        right: bool array, `(Q,)`, whether they are right.

    Raises:
        UserError: if a probability is not a number from 0 to 1.
    """
    try:
        error = metrics.expected_calibration_error(probabilities, right)
    except ValueError as error:
        raise UserError(f"The answers of the run: {error}") from error
    return Calibration(
        expected_calibration_error=error,
        thresholds=[
            AtThreshold(**row)
            for row in metrics.threshold_table(probabilities, right)
        ],
    )


def print_calibration(found: Calibration) -> None:
    """Prints the calibration error and the table of thresholds."""
    print(
        f"calibration  {found.expected_calibration_error:.2f} % expected "
        "calibration error"
    )
    print("threshold    answered    accuracy of these")
    for row in found.thresholds:
        accuracy = "-" if row.accuracy is None else f"{row.accuracy:.2f} %"
        print(
            f"  {row.threshold:.1f}        {row.coverage:7.2f} %   {accuracy}"
        )
