"""What records decide of a model, and the CNN that it gets."""

import dataclasses
import types

import keras
import pytest

from vqa_keras import zoo
from vqa_keras.data import Records
from vqa_keras.data.features import CNN
from vqa_keras.data.features import Features
from vqa_keras.image_encoders import GridCNNBackbone
from vqa_keras.image_encoders import weights_sha256
from vqa_keras.runs.training import image_encoder_of
from vqa_keras.zoo.build_model import build_task


def records_of(*levels):
    """What `Records` tells of records with these levels of one CNN."""
    cnn = GridCNNBackbone([4, 6], [2, 2], [2, 2], image_shape=(8, 8, 3))
    grids = {level: cnn.get_layer(level).output for level in levels}
    network = keras.Model(cnn.input, grids, name="cnn")
    features = Features(
        source=CNN,
        name="cnn",
        weights_sha256=weights_sha256(network),
        levels={name: t.shape[1:] for name, t in grids.items()},
        file="image_encoder.keras",
    )
    return types.SimpleNamespace(
        folder="records",
        files=types.SimpleNamespace(features=lambda: features),
        image_encoder=lambda: network,
    )


def test_regions_end_at_the_last_level():
    encoder = image_encoder_of(records_of("relu_1", "relu_2"), "regions")
    assert encoder.output_shape == (None, 2, 2, 6)


def test_grids_have_all_levels():
    encoder = image_encoder_of(records_of("relu_1", "relu_2"), "grids")
    assert sorted(encoder.output) == ["relu_1", "relu_2"]


def test_the_last_level_need_not_be_the_deepest():
    encoder = image_encoder_of(records_of("relu_2", "relu_1"), "regions")
    assert encoder.output_shape == (None, 4, 4, 4)


@pytest.mark.parametrize("entry", ["transformer", "sort_of_clevr/transformer"])
def test_the_records_decide_the_grid_of_positions(records, entry):
    task = build_task(zoo.load_recipe(entry), Records(records))
    assert task.backbone.position_grid == (4, 4)
    assert task.backbone.regions_dim == 8


def test_regions_without_a_grid_get_no_positions(records):
    boxes = Records(records)
    features = dataclasses.replace(
        boxes.info.features, levels={"regions": (None, 8)}
    )
    info = dataclasses.replace(boxes.info, features=features)
    boxes.files = dataclasses.replace(boxes.files, info=info)
    task = build_task(zoo.load_recipe("transformer"), boxes)
    assert task.backbone.position_grid is None


def test_vocabularies_and_width_are_those_of_the_records(records):
    found = Records(records)
    task = build_task(zoo.load_recipe("stacked"), found)
    assert task.backbone.vocabulary_size == len(found.vocabulary)
    assert task.num_classes == len(found.answers)
    assert task.backbone.regions_dim == 8
