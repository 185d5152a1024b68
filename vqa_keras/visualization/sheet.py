"""The pieces of a figure: panels, strips of small pictures, words, answers."""

import numpy as np
from PIL import Image
from PIL import ImageDraw

from vqa_keras.visualization.heat_map import colormap
from vqa_keras.visualization.signed_map import signed_colormap
from vqa_keras.visualization.text import FAINT
from vqa_keras.visualization.text import INK
from vqa_keras.visualization.text import cut
from vqa_keras.visualization.text import font
from vqa_keras.visualization.text import width_of

_TRACK = (228, 230, 234)
_BAR, _BAR_FIRST = (166, 174, 186), (38, 98, 178)
_CHIP, _CHIP_FULL = (246, 247, 249), (245, 166, 35)
_TEXT, _SMALL = 15, 13  # font sizes
_GAP = 13  # between small pictures


def panel(sheet, corner, drawing, size):
    """Draws one picture with its name above and its scale below."""
    x, y = corner
    pen = ImageDraw.Draw(sheet)
    plain = drawing.scale == "plain"
    name = cut(drawing.name, _TEXT, size)
    pen.text((x, y), name, FAINT if plain else INK, font(_TEXT))
    y += 24
    picture = drawing.parts[0].picture
    _framed(sheet, (x, y), picture)
    middle = y + picture.shape[0] + 15
    if drawing.scale == "heat":
        highest = f"{drawing.highest:.2g}"
        _scale(sheet, (x, middle), size, "0", highest, colormap, (0, 1))
    elif not plain:
        text = f"largest weight {drawing.highest:.2g}"
        _small(pen, (x, middle), text, "lm")


def strip(sheet, corner, drawing, width):
    """Draws small pictures in rows, with name and scale above them."""
    x, y = corner
    pen = ImageDraw.Draw(sheet)
    pen.line((x, y, x + width - 1, y), _TRACK)
    y += 14
    name = cut(drawing.name, _TEXT, width // 3)
    pen.text((x, y), name, INK, font(_TEXT))
    start = x + width_of(name, _TEXT) + 12
    end = x + width
    highest = f"{drawing.highest:.2g}"
    scales = {
        "heat": ("0", highest, colormap, (0, 1)),
        "each": ("0", "largest", colormap, (0, 1)),
        "signed": (f"-{highest}", highest, signed_colormap, (-1, 1)),
    }
    if drawing.scale:
        _scale(sheet, (end - 200, y + 9), 200, *scales[drawing.scale])
    says = cut(drawing.says, _SMALL, end - 220 - start)
    _small(pen, (start, y + 2), says, "la")
    y += 30
    each = drawing.scale in (None, "each")
    for row in _rows(drawing.parts, width):
        left = x
        for part in row:
            height, wide = part.picture.shape[:2]
            _framed(sheet, (left, y), part.picture)
            number = f"{part.highest:.2g}" if each else ""
            below = y + height + 11
            room = wide - width_of(number, _SMALL) - 6
            label = cut(part.label, _SMALL, room)
            pen.text((left, below), label, INK, font(_SMALL), anchor="lm")
            _small(pen, (left + wide, below), number, "rm")
            left += wide + _GAP
        y += _row_height(row)


def strip_height(drawing, width):
    """The height that `strip` needs."""
    return 56 + sum(map(_row_height, _rows(drawing.parts, width)))


def word_chips(drawing, width):
    """Draws words in a row, each shaded by its weight, which is below it.

    Returns:
        `PIL.Image.Image` of that width.
    """
    size, pad, high = _TEXT + 1, 9, 28
    name = cut(drawing.name, _SMALL, width // 4)
    first = max(70, round(width_of(name, _SMALL)) + 14)
    places, x, y = [], first, 0
    for part in drawing.parts:
        word = cut(part.label, size, width - first - 2 * pad)
        wide = max(round(width_of(word, size)), 26) + 2 * pad
        if x + wide > width and x > first:
            x, y = first, y + 56
        places.append((x, y, wide, word))
        x += wide + 6
    piece = Image.new("RGB", (width, y + 62), "white")
    pen = ImageDraw.Draw(piece)
    _small(pen, (0, high / 2), name, "lm")
    for part, (x, y, wide, word) in zip(drawing.parts, places, strict=True):
        color = tuple(
            round(low + part.share * (full - low))
            for low, full in zip(_CHIP, _CHIP_FULL, strict=True)
        )
        box = (x, y, x + wide - 1, y + high - 1)
        pen.rounded_rectangle(box, 6, fill=color, outline=_TRACK)
        middle = x + wide / 2
        place = (middle, y + high / 2)
        pen.text(place, word, INK, font(size), anchor="mm")
        _small(pen, (middle, y + high + 10), f"{part.highest:.2g}", "mm")
    return piece


def answer_bars(pen, corner, answers, probabilities, size):
    """Draws the answers, each with a bar as long as its probability."""
    x, y = corner
    pen.text((x, y), "answers", FAINT, font(_TEXT))
    y += 24
    for i, (answer, p) in enumerate(zip(answers, probabilities, strict=True)):
        percent = f"{100 * p:.1f} %"
        room = size - width_of(percent, _TEXT) - 12
        ink = FAINT if i else INK
        pen.text((x, y), cut(answer, _TEXT, room), ink, font(_TEXT))
        pen.text((x + size, y), percent, ink, font(_TEXT), anchor="ra")
        pen.rectangle((x, y + 21, x + size, y + 26), fill=_TRACK)
        if p > 0:
            end = x + max(1, round(p * size))
            color = _BAR if i else _BAR_FIRST
            pen.rectangle((x, y + 21, end, y + 26), fill=color)
        y += 36


def _rows(parts, width):
    """The parts in rows that are not wider than `width`."""
    rows, x = [[]], 0
    for part in parts:
        wide = part.picture.shape[1]
        if x and x + wide > width:
            rows.append([])
            x = 0
        rows[-1].append(part)
        x += wide + _GAP
    return rows


def _row_height(row):
    return max(part.picture.shape[0] for part in row) + 32


def _framed(sheet, corner, picture):
    x, y = corner
    sheet.paste(Image.fromarray(picture), (x, y))
    height, width = picture.shape[:2]
    frame = (x, y, x + width - 1, y + height - 1)
    ImageDraw.Draw(sheet).rectangle(frame, outline=_TRACK)


def _scale(sheet, place, width, lowest, highest, colors, span):
    """A ramp of colors between its two numbers, centered at y."""
    x, middle = place
    pen = ImageDraw.Draw(sheet)
    _small(pen, (x, middle), lowest, "lm")
    _small(pen, (x + width, middle), highest, "rm")
    left = x + 6 + round(max(10, width_of(lowest, _SMALL)))
    length = x + width - 12 - round(width_of(highest, _SMALL)) - left
    ramp = colors(np.linspace(*span, length))[None].repeat(8, axis=0)
    sheet.paste(Image.fromarray(ramp), (left, middle - 4))


def _small(pen, place, text, anchor):
    pen.text(place, text, FAINT, font(_SMALL), anchor=anchor)
