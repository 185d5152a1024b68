"""Holds the images and numbers of one attention before they are rendered."""

from typing import NamedTuple

import numpy as np


class Part(NamedTuple):
    """Holds one image, or one word as text.

    Attributes:
        label: str, the word or the head; "" for the only image of a drawing.
        image: uint8 array, `(H, W, 3)`; None for a word as text.
        highest: float, the largest weight of the part.
        fraction: float in [0, 1], `highest` relative to the largest weight of
            all words: the shade of a word as text. 0 for an image.
        alt: str, alternative text of the image.
    """

    label: str
    image: np.ndarray | None
    highest: float
    fraction: float
    alt: str


class Drawing(NamedTuple):
    """Holds the drawing of one attention.

    Attributes:
        name: str for display, such as "words to regions 1".
        form: str. "panel": one image. "strip": several small images.
            "tables": several tables of words. "words": the words as text.
        parts: list of `Part`.
        scale: None (bars and words), "each" (colors from 0 to the largest
            weight of each part), "heat" (from 0 to `highest`) or "signed"
            (from `-highest` to `highest`).
        highest: float, the largest absolute weight of all parts.
        caption: str, the meaning of the images. Defaults to "".
    """

    name: str
    form: str
    parts: list
    scale: str | None
    highest: float
    caption: str = ""


def by_form(drawings):
    """Groups drawings into words, panels, and rows of images.

    Args:
        drawings: list of `Drawing`.

    Returns:
        Tuple of three lists: form "words", form "panel", the other forms.
    """
    return tuple(
        [drawing for drawing in drawings if drawing.form in forms]
        for forms in (["words"], ["panel"], ["strip", "tables"])
    )


def peak(weights):
    """Returns the index of the largest weight, one number per axis."""
    return np.unravel_index(weights.argmax(), weights.shape)


def where(weights):
    """Describes the largest weight and its position, as alternative text.

    Args:
        weights: float array, `(M,)` or `(h, w)`.

    Returns:
        str, with positions counted from 1.
    """
    highest = f"largest weight {weights.max():.2g}"
    if weights.ndim == 1:
        return f"{highest} at {weights.argmax() + 1} of {len(weights)}"
    row, column = peak(weights)
    return (
        f"{highest} at row {row + 1} of {weights.shape[0]}, "
        f"column {column + 1} of {weights.shape[1]}"
    )
