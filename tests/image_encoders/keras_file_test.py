"""A hostile `.keras` file is refused before Keras builds anything."""

import io
import zipfile

import h5py
import keras
import numpy as np
import pytest

from vqa_keras import image_encoders
from vqa_keras.errors import UserError
from vqa_keras.image_encoders.keras_file import load_keras_file


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    """The members of a small network, saved with an optimizer."""
    path = tmp_path_factory.mktemp("keras") / "network.keras"
    images = keras.Input((8, 8, 3))
    grid = keras.layers.Conv2D(4, 3, activation="gelu")(images)
    network = keras.Model(images, keras.layers.Rescaling(0.5)(grid))
    network.compile("adam", "mse")
    network.save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def write(members, tmp_path):
    """Returns `write({member: bytes})`: a file with other members."""

    def write(changes, compression=zipfile.ZIP_STORED):
        path = tmp_path / "network.keras"
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, content in {**members, **changes}.items():
                archive.writestr(name, content)
        return path

    return write


def replaced(members, old, new):
    config = members["config.json"].decode()
    assert config.count(old) == 1
    return {"config.json": config.replace(old, new).encode()}


def weights_of(create):
    file = io.BytesIO()
    with h5py.File(file, "w") as weights:
        create(weights)
    return {"model.weights.h5": file.getvalue()}


def test_a_file_of_keras_is_loaded_without_leaving_a_trace(write):
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        network = load_keras_file(write({}, compression))
        assert network.predict(np.ones((1, 8, 8, 3)), verbose=0).any()
    assert all(weight.value is not None for weight in network.weights)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"filters": 4', '"filters": 2000000000', "224,000,000,000 bytes"),
        ('"keras.layers", "class_name": "Rescaling"',
         '"os", "class_name": "system"', "Received: os.system"),
        ('"class_name": "Rescaling"', '"class_name": "Lambda"', "Lambda"),
        ('"scale": 0.5',
         '"scale": {"class_name": "__lambda__", "config": {}}', "__lambda__"),
        ('"scale": 0.5', '"scale": ' + "[" * 9999 + "]" * 9999, "config.json"),
        ('"scale": 0.5', '"scale": NaN', "config.json must be JSON"),
    ],
)  # fmt: skip
def test_a_hostile_config_is_refused(write, members, old, new, message):
    path = write(replaced(members, old, new))
    with pytest.raises(UserError, match=f"keras must be a saved.*{message}"):
        image_encoders.load(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"../../escaped.txt": b"x"}, "members must be .*Received: .*escaped"),
        ({"assets/words.txt": b"x"}, "members must be"),
        ({"config.json": b" " * 2**25}, "config.json must have at most"),
        ({"metadata.json": b" " * 2**25}, "metadata.json must have at most"),
        ({"model.weights.h5": bytes(2**28)}, "weights.h5 must have at most"),
        ({"model.weights.h5": b"no file of HDF5"}, "Received: "),
        ({"config.json": b"[]"}, "Received: "),
    ],
)
def test_hostile_members_are_refused(write, changes, message):
    path = write(changes, zipfile.ZIP_DEFLATED)
    with pytest.raises(UserError, match=f"keras must be a saved.*{message}"):
        load_keras_file(path)


def test_weights_that_are_elsewhere_or_inflate_are_refused(write, tmp_path):
    def inflate(file):
        shape = (2**14, 2**14)
        file.create_dataset("x", shape, "f4", chunks=True, compression="gzip")

    def link(file):
        external = [(str(tmp_path / "secret"), 0, 400)]
        file.create_dataset("x", (100,), "f4", external=external)

    for create, message in ((inflate, "1,073,741,824"), (link, "link of x")):
        with pytest.raises(UserError, match=message):
            load_keras_file(write(weights_of(create)))


def test_a_registered_class_of_another_package_is_accepted(tmp_path):
    @keras.saving.register_keras_serializable(package="keras_file_test")
    class Doubled(keras.layers.Layer):
        def call(self, inputs):
            return inputs * 2

    images = keras.Input((8, 8, 3))
    keras.Model(images, Doubled()(images)).save(tmp_path / "network.keras")
    network = load_keras_file(tmp_path / "network.keras")
    assert isinstance(network.layers[-1], Doubled)
    name = "keras_file_test>Doubled"
    del keras.saving.get_custom_objects()[name]
    with pytest.raises(UserError, match="must be of keras.*Doubled"):
        load_keras_file(tmp_path / "network.keras")


def test_a_cut_or_changed_file_is_refused_whatever_is_cut(write):
    content = write({}).read_bytes()
    for place in range(0, len(content), len(content) // 25):
        path = write({})
        path.write_bytes(content[:place])
        with pytest.raises(UserError, match="must be a saved Keras model"):
            load_keras_file(path)
