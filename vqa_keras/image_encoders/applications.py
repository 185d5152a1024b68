"""Builds the networks of `keras.applications` and normalizes their pixels."""

import keras

# Pixels of each family in training: `imagenet_utils.preprocess_input` in Keras.
_CAFFE = {"offset": [-103.939, -116.779, -123.68], "bgr": True}
_MINUS_ONE_TO_ONE = {"scale": 1 / 127.5, "offset": -1.0}
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)
_TORCH = {
    "scale": [1 / (255 * std) for std in _IMAGENET_STD],
    "offset": [
        -mean / std
        for mean, std in zip(_IMAGENET_MEAN, _IMAGENET_STD, strict=True)
    ],
}
_INSIDE = None  # the network normalizes pixels itself

# {name: (side of the training images, arguments of PixelNormalization)}
APPLICATIONS = {
    "ConvNeXtBase": (224, _INSIDE),
    "ConvNeXtLarge": (224, _INSIDE),
    "ConvNeXtSmall": (224, _INSIDE),
    "ConvNeXtTiny": (224, _INSIDE),
    "ConvNeXtXLarge": (224, _INSIDE),
    "DenseNet121": (224, _TORCH),
    "DenseNet169": (224, _TORCH),
    "DenseNet201": (224, _TORCH),
    "EfficientNetB0": (224, _INSIDE),
    "EfficientNetB1": (240, _INSIDE),
    "EfficientNetB2": (260, _INSIDE),
    "EfficientNetB3": (300, _INSIDE),
    "EfficientNetB4": (380, _INSIDE),
    "EfficientNetB5": (456, _INSIDE),
    "EfficientNetB6": (528, _INSIDE),
    "EfficientNetB7": (600, _INSIDE),
    "EfficientNetV2B0": (224, _INSIDE),
    "EfficientNetV2B1": (240, _INSIDE),
    "EfficientNetV2B2": (260, _INSIDE),
    "EfficientNetV2B3": (300, _INSIDE),
    "EfficientNetV2L": (480, _INSIDE),
    "EfficientNetV2M": (480, _INSIDE),
    "EfficientNetV2S": (384, _INSIDE),
    "InceptionResNetV2": (299, _MINUS_ONE_TO_ONE),
    "InceptionV3": (299, _MINUS_ONE_TO_ONE),
    "MobileNet": (224, _MINUS_ONE_TO_ONE),
    "MobileNetV2": (224, _MINUS_ONE_TO_ONE),
    "MobileNetV3Large": (224, _INSIDE),
    "MobileNetV3Small": (224, _INSIDE),
    "NASNetLarge": (331, _MINUS_ONE_TO_ONE),
    "NASNetMobile": (224, _MINUS_ONE_TO_ONE),
    "ResNet101": (224, _CAFFE),
    "ResNet101V2": (224, _MINUS_ONE_TO_ONE),
    "ResNet152": (224, _CAFFE),
    "ResNet152V2": (224, _MINUS_ONE_TO_ONE),
    "ResNet50": (224, _CAFFE),
    "ResNet50V2": (224, _MINUS_ONE_TO_ONE),
    "VGG16": (224, _CAFFE),
    "VGG19": (224, _CAFFE),
    "Xception": (299, _MINUS_ONE_TO_ONE),
}


def application_name(name):
    """Returns the name of a network in the case of Keras.

    Args:
        name: str, in any case.

    Returns:
        str, a key of `APPLICATIONS`; None if there is no such network.
    """
    for known in APPLICATIONS:
        if known.lower() == str(name).lower():
            return known
    return None


def build_application(name, image_size, weights):
    """Builds a network without its classifier.

    Args:
        name: str, a key of `APPLICATIONS`.
        image_size: `(height, width)` of the images.
        weights: "imagenet", or None for random weights.

    Returns:
        network: functional model from pixels to a grid.
        normalization: dict, the arguments of `PixelNormalization` for its
            pixels; None if the network normalizes them.
    """
    network = getattr(keras.applications, name)(
        include_top=False, weights=weights, input_shape=(*image_size, 3)
    )
    return network, APPLICATIONS[name][1]
