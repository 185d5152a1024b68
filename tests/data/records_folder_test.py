"""A folder of records, opened once."""

import dataclasses

import keras
import numpy as np
import pytest

from vqa_keras import data
from vqa_keras.data import Records
from vqa_keras.errors import UserError
from vqa_keras.image_encoders import weights_sha256


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(UserError, match="nowhere, which is no folder"):
        Records(tmp_path / "nowhere")


def test_the_info_and_the_vocabularies_are_read_once(records):
    opened = Records(records)
    words, answers = opened.vocabulary, opened.answers
    (records / "dataset_info.json").unlink()
    (records / "words.txt").unlink()
    (records / "answers.txt").unlink()
    assert opened.vocabulary is words
    assert opened.answers is answers
    assert words == ["[PAD]", "[UNK]", "what"]
    assert answers == ["yes", "no", "red"]
    assert len(opened.load("train", 4, targets=None)) == 8


def test_questions_are_those_of_the_images_with_their_id(records, images):
    expected = [
        (image.image_id, q.question_id, q.all_answers)
        for image in images
        for q in image.questions
    ]
    found = Records(records).questions("train")
    assert [
        (q.image_id, q.question_id, q.all_answers) for q in found
    ] == expected
    first = list(Records(records).questions("train", limit=2))
    assert [q.image_id for q in first] == ["image 0"] * 3 + ["image 1"]


def test_shapes_are_those_of_the_batches(write_records, images):
    opened = Records(write_records(images))
    for inputs in ("regions", "grids", "images"):
        shapes = opened.feature_shapes(inputs)
        spec = opened.load("train", 4, inputs=inputs).element_spec[0]
        assert shapes == {n: tuple(spec[n].shape)[1:] for n in shapes}
        assert shapes.keys() >= spec.keys() - {"token_ids", "regions_mask"}
    assert opened.feature_shapes("regions") == {"regions": (4, 3)}
    assert opened.feature_shapes("grids") == {
        "grid_1": (4, 4, 2),
        "grid_2": (2, 2, 3),
    }
    assert opened.grid_shape == (2, 2)


def test_regions_that_vary_in_number_are_no_grid(write_records, make_image):
    opened = Records(write_records([make_image(1, 2)], late=(None, 3)))
    assert opened.feature_shapes("regions") == {"regions": (None, 3)}
    assert opened.grid_shape is None


def test_records_without_features_have_no_grid(write_records, images):
    opened = Records(write_records(images, features=None))
    assert opened.grid_shape is None
    with pytest.raises(UserError, match="records must be with features"):
        opened.feature_shapes("regions")
    with pytest.raises(UserError, match="Received: inputs='words'"):
        opened.feature_shapes("words")


def test_cnn_comes_back_if_its_weights_are_those_of_the_records(records):
    cnn = keras.Sequential([keras.Input((6, 5, 3)), keras.layers.Conv2D(2, 1)])
    cnn.save(records / "image_encoder.keras")
    opened = Records(records)
    with pytest.raises(UserError, match="image_encoder.keras must.*a{64}. R"):
        opened.image_encoder()
    features = dataclasses.replace(
        opened.info.features, weights_sha256=weights_sha256(cnn)
    )
    dataclasses.replace(opened.info, features=features).write(records)
    loaded = Records(records).image_encoder()
    np.testing.assert_array_equal(loaded.get_weights()[0], cnn.get_weights()[0])


def test_records_without_a_cnn_have_none_to_load(write_records, images):
    opened = Records(write_records(images, features=None))
    with pytest.raises(UserError, match="records must be with features"):
        opened.image_encoder()


@pytest.mark.parametrize("content", [None, b"", b"no zip file"])
def test_unreadable_cnn_is_named(records, content):
    if content is not None:
        (records / "image_encoder.keras").write_bytes(content)
    with pytest.raises(UserError, match="image_encoder.keras must be the CNN"):
        Records(records).image_encoder()


@pytest.mark.parametrize("name", ["read_images", "steps_per_epoch"])
def test_a_function_of_before_is_an_error_that_names_the_method(name):
    with pytest.raises(AttributeError, match="it is vqa_keras.data.Records"):
        getattr(data, name)


def test_a_model_of_the_last_level_has_the_cnn_of_the_records(records):
    images = keras.Input((6, 5, 3))
    grids = {n: keras.layers.Conv2D(2, 1)(images) for n in ("early", "late")}
    keras.Model(images, grids).save(records / "image_encoder.keras")
    info = Records(records).info
    sha256 = weights_sha256(keras.Model(images, grids))
    features = dataclasses.replace(info.features, weights_sha256=sha256)
    dataclasses.replace(info, features=features).write(records)
    files = Records(records).files
    late, early = (
        weights_sha256(keras.Model(images, grids[name]))
        for name in ("late", "early")
    )
    assert files.has_features_of(sha256) and files.has_features_of(late)
    assert not files.has_features_of(early)
    assert not files.has_features_of(None)
