"""A small data set, a small CNN and the pipeline that joins them."""

import json

import keras
import pytest
from PIL import Image

from tests.fixtures.records import run_pipeline

SMALL = {"batch_size": 3, "images_per_shard": 4, "validation_fraction": 0.25}
COLORS = ("red", "blue", "lime")


@pytest.fixture
def data(tmp_path):
    """A data set of 12 training and 4 test images of one color each."""
    folder = tmp_path / "easy"
    for split, count in (("train", 12), ("test", 4)):
        (folder / split / "images").mkdir(parents=True)
        rows = []
        for i in range(count):
            color = COLORS[i % 3]
            image = Image.new("RGB", (20, 20), color)
            image.putpixel((i, i), (0, 0, 0))
            image.save(folder / split / "images" / f"{i}.png")
            rows.append([f"what color is it, number {i}?", color, i])
            rows.append(["is it a shape?", "yes", i])
        rows.append(["is it lost in the training split?", split, 0])
        questions = folder / split / "questions.json"
        questions.write_text(json.dumps(rows))
    return folder


@pytest.fixture(scope="module")
def encoder_file(tmp_path_factory):
    keras.utils.set_random_seed(1)
    images = keras.Input((16, 16, 3))
    low = keras.layers.Conv2D(4, 4, strides=4, name="low")(images)
    high = keras.layers.Conv2D(6, 2, strides=2, name="high")(low)
    path = tmp_path_factory.mktemp("encoder") / "tiny.keras"
    keras.Model(images, high).save(path)
    return str(path)


@pytest.fixture
def write(data, encoder_file):
    def write(output, *beam_flags, features=None, **changed):
        features = {"image_encoder": encoder_file, **(features or {})}
        arguments = {**SMALL, "input_folder": data, **changed}
        if arguments["validation_fraction"] is None:
            del arguments["validation_fraction"]
        return run_pipeline(output, *beam_flags, features=features, **arguments)

    return write
