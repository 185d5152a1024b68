"""Draws attention maps beside their image."""

import numpy as np
from PIL import Image

from vqa_keras.attention_axes import attention_axes
from vqa_keras.visualization.heat_map import check_weights
from vqa_keras.visualization.heat_map import enlarge
from vqa_keras.visualization.heat_map import overlay

_SIZE = 256  # longer side of a panel, in pixels
_GAP = 8  # white pixels between two panels
_GLIMPSES = 8  # most panels per attention
_SHAPES = {1: "(M,)", 2: "(h, w)", 3: "(glimpses, h, w)"}


def strip(image, attention):
    """Draws an image and its attention maps side by side, without text.

    The first panel is the image, enlarged to 256 pixels on its longer side.
    Each attention over the regions of a grid follows as an `overlay`, or as one
    `overlay` per glimpse, at most 8. Other attention has no panel: weights of
    words, of channels, between words and regions, and of regions without a
    grid.

    Args:
        image: uint8 array, `(H, W, 3)`.
        attention: dict, name -> float array, such as the `attention` of
            `VQA.ask`. A map is `(h, w)`, or `(glimpses, h, w)`.

    Returns:
        `PIL.Image.Image` in RGB.

    Raises:
        ValueError: if `image` has another dtype or shape, a name is of no known
            kind, or a map has another rank, a negative weight or one that is
            not finite.

    Example:
    ```python
    answer = task.ask("shape.png", "what shape is it?")
    image = vqa_keras.images.decode("shape.png")
    drawn = vqa_keras.visualization.strip(image, answer.attention)
    drawn.save("attention.png")
    ```
    """
    panels = [enlarge(image, _SIZE)]
    for name, weights in attention.items():
        if attention_axes(name) != ("regions",):
            continue
        weights = check_weights(weights, _SHAPES)
        if weights.ndim == 1:  # regions without a grid
            continue
        maps = weights.reshape(-1, *weights.shape[-2:])  # (glimpses, h, w)
        panels += [overlay(image, m, _SIZE) for m in maps[:_GLIMPSES]]
    gap = np.full((len(panels[0]), _GAP, 3), 255, np.uint8)
    pieces = [piece for panel in panels for piece in (gap, panel)][1:]
    return Image.fromarray(np.concatenate(pieces, axis=1))
