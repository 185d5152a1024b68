"""The CNN that a trained model gets, from records of several levels."""

import types

import keras
import pytest

from vqa_keras.errors import UserError
from vqa_keras.image_encoders import GridCNNBackbone
from vqa_keras.image_encoders import weights_sha256
from vqa_keras.zoo.training import image_encoder_of


def info(*levels):
    """What `DatasetInfo` tells of records with these levels of one CNN."""
    cnn = GridCNNBackbone([4, 6], [2, 2], [2, 2], image_shape=(8, 8, 3))
    grids = {level: cnn.get_layer(level).output for level in levels}
    network = keras.Model(cnn.input, grids, name="cnn")
    described = {
        "file": "image_encoder.keras",
        "levels": {name: list(t.shape[1:]) for name, t in grids.items()},
        "weights_sha256": weights_sha256(network),
    }
    return types.SimpleNamespace(
        directory="records",
        image_encoder=described,
        load_image_encoder=lambda: network,
    )


def test_regions_end_at_the_last_level():
    encoder = image_encoder_of(info("relu_1", "relu_2"), "regions")
    assert encoder.output_shape == (None, 2, 2, 6)


def test_grids_have_all_levels():
    encoder = image_encoder_of(info("relu_1", "relu_2"), "grids")
    assert sorted(encoder.output) == ["relu_1", "relu_2"]


def test_a_last_level_that_is_not_the_deepest_is_refused():
    with pytest.raises(UserError, match="deepest.* Received: relu_2, relu_1"):
        image_encoder_of(info("relu_2", "relu_1"), "regions")
