"""Draws weights with labels, as bars or as a table of words."""

import numpy as np
from PIL import Image
from PIL import ImageDraw

from vqa_keras.visualization.heat_map import bars
from vqa_keras.visualization.heat_map import check_weights
from vqa_keras.visualization.heat_map import colormap
from vqa_keras.visualization.text import FAINT
from vqa_keras.visualization.text import INK
from vqa_keras.visualization.text import cut
from vqa_keras.visualization.text import font
from vqa_keras.visualization.text import width_of

_TEXT = 12  # font size
_LINE = 20  # height of a line of text


def labeled_bars(weights, labels, width=256, height=256):
    """Draws one bar per weight with its label below.

    Writes the weights above the bars if they fit.

    Args:
        weights: float array, `(n,)`, not negative.
        labels: list of n str.
        width: int. Width of the result in pixels. Defaults to 256.
        height: int. Height of the result in pixels. Defaults to 256.

    Returns:
        uint8 array, `(height, width, 3)`.

    Raises:
        ValueError: if the rank is wrong, a weight negative or not finite, or
            a label missing.
    """
    weights = check_weights(weights, 1)
    if len(labels) != len(weights):
        raise ValueError(
            f"`labels` must hold one str per weight, {len(weights)}. "
            f"Received: {list(labels)}"
        )
    room = width / len(weights)
    numbers = [f"{weight:.2g}" for weight in weights]
    fits = max(width_of(number, _TEXT) for number in numbers) + 4 < room
    above = _LINE if fits else 0
    sheet = Image.new("RGB", (width, height), "white")
    drawn = bars(weights, width, max(1, height - above - _LINE))
    sheet.paste(Image.fromarray(drawn), (0, above))
    draw = ImageDraw.Draw(sheet)
    for i, (number, label) in enumerate(zip(numbers, labels, strict=True)):
        middle = (i + 0.425) * room  # of the bar, without the gap
        if fits:
            place = (middle, _LINE / 2)
            draw.text(place, number, FAINT, font(_TEXT, number), anchor="mm")
        place = (middle, height - _LINE / 2)
        label = cut(label, _TEXT, room - 2)
        draw.text(place, label, INK, font(_TEXT, label), anchor="mm")
    return np.asarray(sheet)


def matrix(weights, words, size=256):
    """Draws the weights of each word (row) over the words (columns).

    Colors run from 0 to the largest weight, as in `overlay`.

    Args:
        weights: float array, `(n, n)`, not negative.
        words: list of n str, the labels of rows and columns.
        size: int. Maximum of the longer side of the result in pixels. Defaults
            to 256.

    Returns:
        uint8 array, `(height, width, 3)`, on a white background.

    Raises:
        ValueError: if the rank is wrong, a weight negative or not finite, or
            there are not n words.
    """
    weights = check_weights(weights, 2)
    count = len(words)
    if weights.shape != (count, count):
        raise ValueError(
            "`words` must label each row and column of the weights. "
            f"Received: {count} words for weights.shape={weights.shape}"
        )
    text = max(8, min(_TEXT, size * 3 // (4 * count)))
    labels = [cut(word, text, 0.28 * size) for word in words]
    side = 6 + round(max(width_of(label, text) for label in labels))
    cell = max(1, min(36, (size - side) // count))
    highest = weights.max()
    colors = colormap(weights / highest if highest > 0 else weights)
    cells = colors.repeat(cell, axis=0).repeat(cell, axis=1)
    if cell >= 4:  # thin lines between the cells
        cells[cell - 1 :: cell] = cells[:, cell - 1 :: cell] = 255
    sheet = Image.new("RGB", (side + count * cell,) * 2, "white")
    sheet.paste(Image.fromarray(cells), (side, side))
    draw = ImageDraw.Draw(sheet)
    for i, label in enumerate(labels):
        middle = side + (i + 0.5) * cell
        place = (side - 4, middle)
        draw.text(place, label, INK, font(text, label), anchor="rm")
        upright = Image.new("L", (side - 4, cell), 0)
        place = (0, cell / 2)
        drawn = font(text, label)
        ImageDraw.Draw(upright).text(place, label, 255, drawn, anchor="lm")
        upright = upright.rotate(90, expand=True)
        sheet.paste(INK, (side + i * cell, 0), upright)
    return np.asarray(sheet)
