import sys
import urllib.error

import keras
import keras_hub
import numpy as np
import pytest

from vqa_keras import image_encoders
from vqa_keras.errors import UserError
from vqa_keras.image_encoders.grid_cnn_backbone import GridCNNBackbone


def images(size=32):
    return np.random.default_rng(0).uniform(0, 255, (2, size, size, 3))


@pytest.fixture(scope="module")
def mobile_net():
    return image_encoders.load("mobilenetv2", image_size=32, weights=None)


@pytest.fixture
def small_cnn(tmp_path):
    inputs = keras.Input((16, 16, 3))
    low = keras.layers.Conv2D(4, 3, strides=2, name="low")(inputs)
    high = keras.layers.Conv2D(5, 3, strides=2, name="high")(low)
    path = tmp_path / "cnn.keras"
    keras.Model(inputs, high).save(path)
    return path


def resnet(image_shape):
    return keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 64],
        stackwise_num_blocks=[1, 1],
        stackwise_num_strides=[1, 2],
        block_type="basic_block",
        image_shape=image_shape,
    )


@pytest.mark.slow
def test_an_application_takes_pixels_from_0_to_255(mobile_net):
    pixels = images()
    inner = mobile_net.layers[-1]
    expected = inner.predict(pixels / 127.5 - 1, verbose=0)
    grid = mobile_net.predict(pixels, verbose=0)
    assert grid.shape == (2, 1, 1, 1280)
    np.testing.assert_allclose(grid, expected, atol=1e-5)


def test_levels_give_a_grid_each_under_their_names():
    names = ["block_3_expand_relu", "block_6_expand_relu"]
    encoder = image_encoders.load("MobileNetV2", (64, 96), names, weights=None)
    assert list(encoder.output) == names
    shapes = [tuple(encoder.output[name].shape) for name in names]
    assert shapes == [(None, 16, 24, 144), (None, 8, 12, 192)]


def test_one_level_gives_one_grid(small_cnn):
    encoder = image_encoders.load(small_cnn, levels=["low"])
    assert encoder.output_shape == (None, 7, 7, 4)


@pytest.mark.slow
def test_an_encoder_comes_back_from_its_file(mobile_net, tmp_path):
    path = tmp_path / "encoder.keras"
    mobile_net.save(path)
    twin = image_encoders.load(path)
    np.testing.assert_array_equal(
        twin.predict(images(), verbose=0),
        mobile_net.predict(images(), verbose=0),
    )
    sha256 = image_encoders.weights_sha256
    assert sha256(twin) == sha256(mobile_net)


def test_weights_sha256_changes_with_a_weight_and_not_with_names(small_cnn):
    one, two = (image_encoders.load(small_cnn) for _ in range(2))
    renamed = keras.models.clone_model(one, clone_function=rename)
    renamed.set_weights(one.get_weights())
    sha256 = image_encoders.weights_sha256
    assert sha256(one) == sha256(two) == sha256(renamed)
    weights = two.get_weights()
    weights[0][0, 0, 0, 0] += 1e-3
    two.set_weights(weights)
    assert sha256(one) != sha256(two)


def rename(layer):
    config = {**layer.get_config(), "name": f"other_{layer.name}"}
    return type(layer).from_config(config)


def test_a_keras_hub_preset_gives_its_pyramid_levels(tmp_path):
    resnet((None, None, 3)).save_to_preset(tmp_path)
    encoder = image_encoders.load(str(tmp_path), 64, ["P2", "P3"])
    shapes = {name: t.shape for name, t in encoder.output.items()}
    assert shapes == {"P2": (None, 16, 16, 64), "P3": (None, 8, 8, 64)}
    last = image_encoders.load(str(tmp_path), 64)
    assert last.output_shape == (None, 8, 8, 64)


@pytest.mark.slow
def test_a_keras_hub_preset_normalizes_as_its_converter(tmp_path):
    backbone = resnet((32, 32, 3))
    backbone.save_to_preset(tmp_path)
    scale, offset = [0.01, 0.02, 0.03], [-1.0, -2.0, -3.0]
    keras_hub.layers.ResNetImageConverter(
        image_size=(32, 32), scale=scale, offset=offset
    ).save_to_preset(tmp_path)
    encoder = image_encoders.load(str(tmp_path))
    pixels = images()
    expected = backbone.predict(pixels * scale + offset, verbose=0)
    found = encoder.predict(pixels, verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_a_shipped_preset_is_found_by_its_name(tmp_path, monkeypatch):
    backbone = GridCNNBackbone(image_shape=(16, 16, 3))
    backbone.save_to_preset(tmp_path / "tiny_grid")
    module = sys.modules[image_encoders.load.__module__]
    monkeypatch.setattr(module, "_shipped", lambda: tmp_path)
    encoder = image_encoders.load("tiny_grid")
    np.testing.assert_array_equal(
        encoder.predict(images(16), verbose=0),
        backbone.predict(images(16), verbose=0),
    )
    assert image_encoders.load("tiny_grid", 32).output_shape[1:3] == (4, 4)
    with pytest.raises(UserError, match="tiny_grid .shipped"):
        image_encoders.load("tiny_gird")


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UserError, match="ResNet50.*keras file. .*'resnet51'"):
        image_encoders.load("resnet51")


def test_an_unknown_level_lists_the_last_map_of_each_size(small_cnn):
    with pytest.raises(UserError, match="low, high. Received: 'middle'"):
        image_encoders.load(small_cnn, levels=["middle"])


def test_files_that_are_no_model_are_named(tmp_path):
    path = tmp_path / "text.keras"
    with pytest.raises(UserError, match="text.keras is missing. It must"):
        image_encoders.load(path)
    path.write_text("text")
    with pytest.raises(
        UserError, match="text.keras must be a saved Keras model"
    ):
        image_encoders.load(path)


def test_a_file_of_another_size_is_refused(small_cnn):
    assert image_encoders.load(small_cnn, 16).input_shape[1:3] == (16, 16)
    with pytest.raises(UserError, match="16 x 16 pixels. Received.*24 x 24"):
        image_encoders.load(small_cnn, 24)


def test_networks_that_are_not_from_images_to_a_grid_are_refused(tmp_path):
    path = tmp_path / "classifier.keras"
    keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()]).save(
        path
    )
    with pytest.raises(UserError, match="must output a grid"):
        image_encoders.load(path)
    keras.Sequential([keras.Input((8,)), keras.layers.Dense(2)]).save(path)
    with pytest.raises(UserError, match="must take RGB images"):
        image_encoders.load(path)


def test_a_size_that_the_network_cannot_take_is_named():
    with pytest.raises(UserError, match="VGG16 must be an image .*8 x 8"):
        image_encoders.load("VGG16", 8, weights=None)


def test_the_message_of_a_failed_download_lists_remedies(monkeypatch, tmp_path):
    def fail(*arguments):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", fail)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(
        "keras.src.utils.file_utils.config.keras_home", lambda: str(tmp_path)
    )
    with pytest.raises(UserError, match="must be available .*no network"):
        image_encoders.load("VGG16", 32)
