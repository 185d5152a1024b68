"""Computes grids by the vision transformers of KerasHub, of their patch tokens.

A vision transformer divides an image into square patches and outputs a token
per patch, in raster order, after its class and register tokens.
"""

from collections.abc import Callable
from typing import NamedTuple

import keras
import keras_hub
from keras import ops

OUTPUT = "patches"  # name of the last feature map, in `--levels`

# Pixels in training, for presets without an image converter: what the papers'
# own code and KerasHub's presets of the class do.
_MINUS_ONE_TO_ONE = {"scale": 1 / 127.5, "offset": -1.0}


def _standardized(mean, std):
    """Returns the arguments of `PixelNormalization` for RGB from 0 to 1."""
    return {
        "scale": [1 / (255 * s) for s in std],
        "offset": [-m / s for m, s in zip(mean, std, strict=True)],
    }


_IMAGENET = _standardized((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_CLIP = _standardized(
    (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
)


@keras.saving.register_keras_serializable(package="vqa_keras")
class PatchTokensToGrid(keras.layers.Layer):
    """Arranges the patch tokens of a vision transformer as a grid.

        grid_ij = tokens_t,  t = num_prefix_tokens + i w + j

    Drops the class and register tokens, which belong to no place.

    Args:
        grid_shape: `(h, w)`, rows and columns of patches.
        num_prefix_tokens: int, number of tokens before those of the patches.
            Defaults to 0.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        tokens: `(B, num_prefix_tokens + h w, C)`.

    Returns:
        grid: `(B, h, w, C)`.

    Example:
    ```python
    layer = vqa_keras.image_encoders.PatchTokensToGrid((2, 3), 1)
    grid = layer(np.zeros((4, 1 + 2 * 3, 8)))  # (4, 2, 3, 8)
    ```
    """

    def __init__(self, grid_shape, num_prefix_tokens=0, **kwargs):
        super().__init__(**kwargs)
        self.grid_shape = tuple(grid_shape)
        self.num_prefix_tokens = num_prefix_tokens

    def call(self, tokens):
        patches = tokens[:, self.num_prefix_tokens :]
        batch_size, channels = ops.shape(tokens)[0], tokens.shape[-1]
        return ops.reshape(patches, (batch_size, *self.grid_shape, channels))

    def compute_output_shape(self, tokens_shape):
        return (tokens_shape[0], *self.grid_shape, tokens_shape[-1])

    def get_config(self):
        return {
            **super().get_config(),
            "grid_shape": self.grid_shape,
            "num_prefix_tokens": self.num_prefix_tokens,
        }


def _output(encoder):
    """Returns the input and the output of a ViT, kept as one layer.

    A layer inside it does not come back from its own config.
    """
    images = keras.Input(encoder.inputs[0].shape[1:], name="images")
    return images, {OUTPUT: encoder(images)}


def _stages(encoder):
    """Returns the input and, by stage, the tokens of a DINO backbone."""
    stages = dict(encoder.pyramid_outputs)
    return encoder.inputs[0], {**stages, OUTPUT: encoder.output}


def _blocks(encoder):
    """Returns the input and, by block, the tokens of a CLIP or SigLIP encoder.

    The last are those after the final normalization. SigLIP's encoder ends
    with a layer that pools them to one vector.
    """
    blocks = {f"block{i}": b for i, b in enumerate(encoder.encoder_layers, 1)}
    norm = getattr(encoder, "post_layer_norm", None) or encoder.layer_norm
    images = encoder.inputs[0]
    return images, {
        level: layer.output for level, layer in {**blocks, OUTPUT: norm}.items()
    }


class _Family(NamedTuple):
    """What differs between the classes of vision transformers.

    Args:
        pixels: dict, arguments of `PixelNormalization` for a preset without an
            image converter.
        num_prefix_tokens: function from an encoder to the number of tokens
            before those of the patches.
        tokens: function from an encoder to its input and `{level: tokens}`.
    """

    pixels: dict
    num_prefix_tokens: Callable
    tokens: Callable


_MODELS = keras_hub.models
_FAMILIES = {
    _MODELS.ViTBackbone: _Family(
        _MINUS_ONE_TO_ONE, lambda encoder: int(encoder.use_class_token), _output
    ),
    _MODELS.DINOV2Backbone: _Family(
        _IMAGENET, lambda encoder: 1 + encoder.num_register_tokens, _stages
    ),
    _MODELS.DINOV3Backbone: _Family(
        _IMAGENET, lambda encoder: 1 + encoder.num_register_tokens, _stages
    ),
    _MODELS.CLIPVisionEncoder: _Family(_CLIP, lambda encoder: 1, _blocks),
    _MODELS.SigLIPVisionEncoder: _Family(
        _MINUS_ONE_TO_ONE, lambda encoder: 0, _blocks
    ),
}
# Models of images and texts, whose `vision_encoder` is one of the above.
_WITH_VISION_ENCODER = {
    _MODELS.CLIPBackbone: _MODELS.CLIPVisionEncoder,
    _MODELS.SigLIPBackbone: _MODELS.SigLIPVisionEncoder,
}
# Classes that interpolate, or compute, their positions for any image size.
_RESIZABLE = (_MODELS.DINOV2Backbone, _MODELS.DINOV3Backbone)

CLASSES = (*_FAMILIES, *_WITH_VISION_ENCODER)


def default_pixels(backbone_class):
    """Returns the pixel normalization of a class of vision transformers.

    ViT and SigLIP take values from -1 to 1, DINOv2 and DINOv3 the mean and
    standard deviation of ImageNet, CLIP those of its own images.

    Args:
        backbone_class: one of `CLASSES`.

    Returns:
        dict, arguments of `PixelNormalization`.
    """
    return _FAMILIES[_encoder_class(backbone_class)].pixels


def is_resizable(backbone_class):
    """Returns whether a class takes images of a size it was not trained on.

    Args:
        backbone_class: one of `CLASSES`.

    Returns:
        bool. The others learn an embedding per patch.
    """
    return _encoder_class(backbone_class) in _RESIZABLE


def patch_grids(backbone):
    """Returns a network from images to the grid of their patches.

    Args:
        backbone: KerasHub backbone of one of `CLASSES`. Of CLIP and SigLIP, the
            vision encoder is used.

    Returns:
        `keras.Model` from normalized pixels to the grid `(B, h, w, C)` of the
        last tokens. Its `pyramid_outputs` are the grids of all levels: of
        CLIP and SigLIP "block1", "block2", ..., of DINOv2 and DINOv3 "stem",
        "stage1", ..., of all classes "patches".
    """
    encoder = getattr(backbone, "vision_encoder", backbone)
    family = _FAMILIES[_encoder_class(type(backbone))]
    patch_size = encoder.patch_size
    if isinstance(patch_size, int):
        patch_size = (patch_size, patch_size)
    grid_shape = [
        side // patch
        for side, patch in zip(encoder.image_shape[:2], patch_size, strict=True)
    ]
    num_prefix_tokens = family.num_prefix_tokens(encoder)
    images, tokens = family.tokens(encoder)
    grids = {
        level: PatchTokensToGrid(grid_shape, num_prefix_tokens, name=level)(
            of_level
        )
        for level, of_level in tokens.items()
    }
    network = keras.Model(images, grids[OUTPUT], name=encoder.name)
    network.pyramid_outputs = grids
    return network


def _encoder_class(backbone_class):
    return _WITH_VISION_ENCODER.get(backbone_class, backbone_class)
