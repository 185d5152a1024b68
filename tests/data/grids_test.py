"""Records with several CNN layers, read as a pyramid of grids."""

import numpy as np
import pytest

from vqa_keras.data import load
from vqa_keras.data.features import FILES
from vqa_keras.data.features import Features
from vqa_keras.errors import UserError


def test_grids_are_all_levels_the_one_with_the_most_cells_first(
    records, images
):
    data = load(records, "train", 3, inputs="grids")
    shapes = {
        name: (spec.shape.as_list(), spec.dtype.name)
        for name, spec in data.element_spec[0].items()
    }
    assert shapes == {
        "grid_1": ([None, 4, 4, 2], "float16"),
        "grid_2": ([None, 2, 2, 3], "float16"),
        "token_ids": ([None, 3], "int32"),
    }
    repeated = [i for i in images for _ in i.questions]
    for name, level in [("grid_1", "early"), ("grid_2", "late")]:
        expected = np.stack([i.features[level] for i in repeated])
        found = np.concatenate(
            [inputs[name] for inputs, _ in data.as_numpy_iterator()]
        )
        np.testing.assert_array_equal(found, expected.reshape(found.shape))


def test_one_layer_is_no_pyramid(write_records, images):
    for image in images:
        del image.features["early"]
    features = Features(FILES, "late", "a" * 64, {"late": (2, 2, 3)})
    records = write_records(images, features=features)
    with pytest.raises(UserError, match="two or more CNN layers.*late"):
        load(records, "train", 3, inputs="grids")
