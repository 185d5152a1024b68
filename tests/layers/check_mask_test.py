"""`conditions_test.py` refuses wrong masks in every layer."""

import numpy as np
import pytest

from vqa_keras.layers.check_mask import check_mask


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 5), (2, 3, 4, 5)])
def test_takes_a_mask_of_ids_of_a_sequence_and_of_a_grid(shape):
    mask = np.ones(shape if len(shape) == 2 else shape[:-1])
    check_mask("mask", mask, np.ones(shape))
    wrong = [np.ones((*mask.shape, 1)), mask[0], mask[:, :1], mask[:1]]
    wrong.append(np.ones((2, 4, *mask.shape[2:])))
    for other in wrong:
        with pytest.raises(ValueError, match="`mask` must have shape"):
            check_mask("mask", other, np.ones(shape))


def test_takes_no_mask():
    check_mask("mask", None, np.ones((2, 3)))


@pytest.mark.parametrize("value", [0.5, -1.0, np.nan, np.inf])
def test_refuses_floats_other_than_0_and_1(value):
    with pytest.raises(ValueError, match=f"Received: mask with.*{value}"):
        check_mask("mask", np.array([[1.0, value]]), np.ones((1, 2, 3)))
