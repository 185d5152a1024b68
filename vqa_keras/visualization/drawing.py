"""One attention as pictures and numbers, before it is put on a page."""

from typing import NamedTuple

import numpy as np


class Part(NamedTuple):
    """One picture, or one word as text.

    Attributes:
        label: str, the word or the head; "" if there is only one picture.
        picture: uint8 array, `(H, W, 3)`; None for a word as text.
        highest: float, the largest weight of the part.
        share: float in [0, 1], how dark a word as text is shaded.
        alt: str, the part in words.
    """

    label: str
    picture: np.ndarray | None
    highest: float
    share: float
    alt: str


class Drawing(NamedTuple):
    """One attention, drawn.

    Attributes:
        name: str, to be read by people: "words to regions 1".
        form: str. "panel": one picture. "strip": several small ones.
            "tables": several tables of words. "words": the words as text.
        parts: list of `Part`.
        scale: None (bars and words), "each" (colors from 0 to the largest
            weight of each part), "heat" (from 0 to `highest`) or "signed"
            (from `-highest` to `highest`).
        highest: float, the largest absolute weight of all parts.
        says: str, what the pictures show; may be empty.
    """

    name: str
    form: str
    parts: list
    scale: str | None
    highest: float
    says: str = ""


def by_form(drawings):
    """The drawings as words, as panels, and in rows of pictures."""
    return tuple(
        [drawing for drawing in drawings if drawing.form in forms]
        for forms in (["words"], ["panel"], ["strip", "tables"])
    )


def peak(weights):
    """The index of the largest weight, one number an axis."""
    return np.unravel_index(weights.argmax(), weights.shape)


def where(weights):
    """The largest weight and its place, in words."""
    highest = f"largest weight {weights.max():.2g}"
    if weights.ndim == 1:
        return f"{highest} at {weights.argmax() + 1} of {len(weights)}"
    row, column = peak(weights)
    return (
        f"{highest} at row {row + 1} of {weights.shape[0]}, "
        f"column {column + 1} of {weights.shape[1]}"
    )
