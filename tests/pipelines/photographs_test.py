"""Photographs become records of real features without downloads."""

import pathlib

import numpy as np
import pytest

from vqa_keras import image_encoders
from vqa_keras.image_encoders.resize import resize
from vqa_keras.images import decode

pytestmark = pytest.mark.beam

DATA = pathlib.Path(__file__).parents[1] / "testdata" / "jsonl"


def test_photographs_have_the_features_of_the_named_network(write, tmp_path):
    written = write(
        tmp_path / "records",
        dataset="jsonl",
        input_folder=DATA,
        validation_fraction=None,
        features={"image_encoder": "efficientnet_lite0", "image_size": 96},
    )
    assert written.info.features.name == "efficientnet_lite0"
    assert written.info.features.weights == "imagenet"
    assert written.info.features.levels == {"grid": (3, 3, 1280)}
    encoder = image_encoders.load("efficientnet_lite0", 96)
    sha256 = image_encoders.weights_sha256(encoder)
    assert written.info.features.weights_sha256 == sha256
    for split, name in (("train", "china"), ("validation", "flower")):
        (record,) = written.images(split)
        photograph = (DATA / "photographs" / f"{name}.jpg").read_bytes()
        assert record.image == photograph
        pixels = resize(decode(photograph), (96, 96))
        expected = encoder.predict(np.asarray(pixels)[None], verbose=0)[0]
        grid = record.features["grid"]
        np.testing.assert_allclose(grid, expected, atol=0.02)
        assert grid.max() > 1
