"""The hash of a network covers what it computes, and nothing else."""

import keras
import numpy as np
import pytest

from vqa_keras import image_encoders
from vqa_keras.errors import UserError
from vqa_keras.image_encoders import network_hash
from vqa_keras.image_encoders import weights_sha256

layers = keras.layers


def build(
    strides=1,
    padding="same",
    activation="relu",
    epsilon=1e-3,
    pooling=layers.AveragePooling2D,
    swapped=False,
    skip="second",
    side=8,
    outputs=None,
    **options,
):
    """Two convolutions of equal weights each, a skip connection, a branch."""
    images = keras.Input((side, side, 3))
    one = {"kernel_initializer": "ones"}
    first = layers.Conv2D(3, 3, 1, "same", **one)(images)
    second = layers.Conv2D(
        3, 3, strides, padding, activation=activation, **one, **options
    )(images)
    branches = [second, first] if swapped else [first, second]
    if strides == 1 and padding == "same":
        added = layers.add([images if skip == "first" else first, second])
        branches.append(added)
        grid = layers.Concatenate()(branches)
    else:
        grid = second
    grid = layers.BatchNormalization(epsilon=epsilon)(grid)
    grid = pooling(2)(grid * 0.5)
    if outputs:
        grid = dict(zip(outputs, [grid, second], strict=True))
    return keras.Model(images, grid)


CHANGES = [
    {"strides": 2},
    {"padding": "valid"},
    {"activation": "gelu"},
    {"dilation_rate": 2},
    {"epsilon": 1e-5},
    {"pooling": layers.MaxPooling2D},
    {"swapped": True},
    {"skip": "first"},
    {"side": 16},
    {"outputs": ("a", "b")},
    {"outputs": ("b", "a")},
]


def test_every_change_of_what_is_computed_changes_the_hash():
    hashes = [weights_sha256(build(**change)) for change in [{}, *CHANGES]]
    assert len(set(hashes)) == len(hashes)


def test_a_constant_of_an_operation_is_covered():
    images = keras.Input((2, 2, 3))
    models = [keras.Model(images, images * by) for by in (0.5, 0.25)]
    arrays = [np.full(3, by, "float32") for by in (0.5, 0.25)]
    models += [keras.Model(images, images * array) for array in arrays]
    assert len(set(map(weights_sha256, models))) == 4


def test_names_training_and_a_file_do_not_change_the_hash(tmp_path):
    first = build()
    expected = weights_sha256(first)
    second = build(kernel_regularizer="l2", name="other")
    second.trainable = False
    second.compile("adam", "mse")
    assert weights_sha256(second) == expected
    second.save(tmp_path / "network.keras")
    loaded = image_encoders.load(tmp_path / "network.keras")
    assert weights_sha256(loaded) == expected


def test_a_mixed_policy_does_not_change_the_hash():
    expected = weights_sha256(build())
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        assert weights_sha256(build()) == expected
    finally:
        keras.config.set_dtype_policy("float32")


def test_the_hash_reaches_into_nested_models_and_layers(tmp_path):
    hashes = []
    for inner in ({}, {"strides": 2}, {"activation": "gelu"}):
        images = keras.Input((8, 8, 3))
        frames = keras.Input((2, 8, 8, 3))
        for inputs, outputs in (
            (images, build(**inner)(images)),
            (images, keras.Sequential([build(**inner)])(images)),
            (frames, layers.TimeDistributed(build(**inner))(frames)),
        ):
            hashes.append(weights_sha256(keras.Model(inputs, outputs)))
    assert len(set(hashes)) == len(hashes)
    keras.Model(frames, outputs).save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    assert weights_sha256(loaded) == hashes[-1]


def test_the_shipped_cnn_has_one_hash_on_every_backend_and_in_every_version():
    # zoo/stacked/preset/results.json states it too.
    assert weights_sha256(image_encoders.load("grid_cnn")) == (
        "8bca5d2f3113a1989b8e7bf92e641a5cdcba3409443462c960734706b7a47cf3"
    )


def test_a_hash_of_vqa_keras_0_1_is_accepted_with_a_warning():
    network = image_encoders.load("grid_cnn")
    old = "28fefb822ada3935ba19a3dd3dafe4e2ca7e400ff7472cff10417c93abe3d9cf"
    with pytest.warns(UserWarning, match="cnn is checked by .* vqa_keras 0.1"):
        network_hash.check_network("cnn", network, old)
    network_hash.check_network("cnn", network, weights_sha256(network))
    weights = network.get_weights()
    weights[0][0, 0, 0, 0] += 1
    network.set_weights(weights)
    with pytest.raises(UserError, match="cnn must have the weights, settings"):
        network_hash.check_network("cnn", network, old)
