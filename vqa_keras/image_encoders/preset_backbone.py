"""Loads the image backbone of a KerasHub preset."""

import inspect

import keras_hub
from keras_hub.src.utils.preset_utils import IMAGE_CONVERTER_CONFIG_FILE
from keras_hub.src.utils.preset_utils import KerasPresetLoader
from keras_hub.src.utils.preset_utils import check_file_exists
from keras_hub.src.utils.preset_utils import get_preset_loader
from keras_hub.src.utils.preset_utils import load_json

from vqa_keras.errors import UserError
from vqa_keras.image_encoders import patch_tokens

_TRANSFORMERS_PIXELS = "preprocessor_config.json"


def load_preset(preset, size, weights):
    """Loads a CNN, or a vision transformer with its patches as a grid.

    Args:
        preset: str, folder, handle or name of a KerasHub preset.
        size: `(height, width)` of the images, or None for that of the preset.
        weights: None for random weights, else those of the preset.

    Returns:
        network: functional model from normalized pixels to feature maps.
        normalization: dict, arguments of `PixelNormalization`: the scale and
            offset of the preset's image converter; without one, the default of
            a vision transformer's class, and None for a CNN.
        image_size: `(height, width)` of the preset, None where it has none.

    Raises:
        UserError: if the preset is not of an image backbone, or the images have
            a size that it does not support.
    """
    loader = get_preset_loader(preset)
    backbone_class = loader.check_backbone_class()
    is_transformer = backbone_class in patch_tokens.CLASSES
    _check_class(preset, backbone_class, is_transformer)
    is_fixed = is_transformer and not patch_tokens.is_resizable(backbone_class)
    resized = {} if is_fixed or not size else {"image_shape": (*size, 3)}
    backbone = keras_hub.models.Backbone.from_preset(
        preset, load_weights=weights is not None, **resized
    )
    converter = _image_converter(preset, loader)
    normalization = None
    if converter is not None:
        normalization = {
            "scale": 1.0 if converter.scale is None else converter.scale,
            "offset": 0.0 if converter.offset is None else converter.offset,
        }
    elif is_transformer:
        normalization = _transformers_pixels(
            preset, loader
        ) or patch_tokens.default_pixels(backbone_class)
    if is_transformer:
        backbone = patch_tokens.patch_grids(backbone)
    if is_fixed:
        _check_size(preset, backbone, size)
    return backbone, normalization, getattr(converter, "image_size", None)


def _check_class(preset, backbone_class, is_transformer):
    """Raises a UserError before the weights of another model are fetched."""
    ours = backbone_class.__module__.startswith("keras_hub.")
    arguments = inspect.signature(backbone_class).parameters
    if ours and not is_transformer and "image_shape" not in arguments:
        known = ", ".join(known.__name__ for known in patch_tokens.CLASSES)
        raise UserError(
            f"{preset} must be the preset of an image backbone: of a CNN, or "
            f"of {known}. Received: a preset of {backbone_class.__name__}"
        )


def _check_size(preset, network, size):
    fixed = network.input_shape[1:3]
    if size and size != fixed:
        raise UserError(
            f"The image size for {preset} must be {fixed[0]} x {fixed[1]} "
            "pixels, for which its positions are learned. Received: "
            f"{size[0]} x {size[1]}"
        )


def _image_converter(preset, loader):
    """Returns the image converter of a preset, None if it has none."""
    if isinstance(loader, KerasPresetLoader) and not check_file_exists(
        preset, IMAGE_CONVERTER_CONFIG_FILE
    ):
        return None
    return loader.load_image_converter(keras_hub.layers.ImageConverter)


def _transformers_pixels(preset, loader):
    """Returns the pixel normalization of a preset of Hugging Face's classes.

    KerasHub converts the weights of these presets only.
    """
    if isinstance(loader, KerasPresetLoader) or not check_file_exists(
        preset, _TRANSFORMERS_PIXELS
    ):
        return None
    config = load_json(preset, _TRANSFORMERS_PIXELS)
    scale = 1.0
    if config.get("do_rescale", True):
        scale = config.get("rescale_factor", 1 / 255)
    if not config.get("do_normalize", True):
        return {"scale": scale}
    mean, std = config["image_mean"], config["image_std"]
    return {
        "scale": [scale / s for s in std],
        "offset": [-m / s for m, s in zip(mean, std, strict=True)],
    }
