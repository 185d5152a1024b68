"""One picture that tells what was asked, answered and looked at."""

import numpy as np
from PIL import Image
from PIL import ImageDraw
from PIL import ImageFont

from vqa_keras.visualization.heat_map import bars
from vqa_keras.visualization.heat_map import check_weights
from vqa_keras.visualization.heat_map import colormap
from vqa_keras.visualization.heat_map import enlarge
from vqa_keras.visualization.heat_map import overlay

_PANEL = 256  # longer side of the image, in pixels
_MARGIN = 24
_GAP = 20
_COLUMNS = 4
_INK, _FAINT, _TRACK = (28, 30, 34), (108, 112, 120), (228, 230, 234)
_BAR, _BAR_FIRST = (166, 174, 186), (38, 98, 178)
_TITLE, _TEXT, _SMALL = 22, 15, 13  # font sizes


def figure(image, question, answers, probabilities, attention):
    """Draws a question, its answers and the heat map of every attention.

    The question stands on top; below it the image, one panel for each map
    with its name and a scale from 0 to its largest weight, and the answers
    with a bar for each probability. Text uses Pillow's built-in font, which
    knows the Latin script; other characters become empty boxes.

    Args:
        image: uint8 array, `(H, W, 3)`.
        question: str. Cut with an ellipsis after three lines.
        answers: list of str, the most probable first.
        probabilities: list of float in [0, 1], one an answer.
        attention: dict, name -> float array: `(h, w)` is drawn over the
            image, `(n,)` as bars.

    Returns:
        `PIL.Image.Image` in RGB. Notebooks show it; `.save(path)` writes it.

    Raises:
        ValueError: if a shape is wrong, a weight is negative or not finite,
            or `answers` and `probabilities` do not match.
    """
    check_answers(answers, probabilities)
    picture = enlarge(image, _PANEL)
    panels = [("image", picture, None)]
    for name, weights in attention.items():
        weights = check_weights(weights)
        drawn = (
            overlay(image, weights, _PANEL)
            if weights.ndim == 2
            else bars(weights, _PANEL, picture.shape[0])
        )
        panels.append((name, drawn, weights))

    columns = min(len(panels) + 1, _COLUMNS)
    rows = -(-(len(panels) + 1) // columns)
    width = columns * (_PANEL + _GAP) - _GAP + 2 * _MARGIN
    lines = _wrap(question, _TITLE, width - 2 * _MARGIN, max_lines=3)
    top = _MARGIN + len(lines) * (_TITLE + 8) + 16
    row_height = max(picture.shape[0], 24 + 36 * len(answers)) + 64
    sheet = Image.new("RGB", (width, top + rows * row_height), "white")
    draw = ImageDraw.Draw(sheet)
    for i, line in enumerate(lines):
        place = (_MARGIN, _MARGIN - 4 + i * (_TITLE + 8))
        draw.text(place, line, _INK, _font(_TITLE))

    def corner(i):
        row, column = divmod(i, columns)
        return _MARGIN + column * (_PANEL + _GAP), top + row * row_height

    for i, (name, drawn, weights) in enumerate(panels):
        _draw_panel(sheet, corner(i), name, drawn, weights)
    _draw_answers(draw, corner(len(panels)), answers, probabilities)
    return sheet


def check_answers(answers, probabilities):
    """Raises ValueError unless every answer has a probability in [0, 1]."""
    if len(answers) != len(probabilities) or not all(
        0 <= p <= 1 for p in probabilities
    ):
        raise ValueError(
            "`probabilities` must hold a number in [0, 1] for each answer. "
            f"Received: {list(probabilities)} for {len(answers)} answers"
        )


def _draw_panel(sheet, corner, name, drawn, weights):
    x, y = corner
    draw = ImageDraw.Draw(sheet)
    name = _cut(name.replace("_", " "), _TEXT, _PANEL)
    draw.text((x, y), name, _INK if weights is not None else _FAINT, _font())
    y += 24
    sheet.paste(Image.fromarray(drawn), (x, y))
    height, width = drawn.shape[:2]
    frame = (x, y, x + width - 1, y + height - 1)
    draw.rectangle(frame, outline=_TRACK)
    if weights is None:
        return
    middle = y + height + 15
    highest = f"{weights.max():.2g}"
    if weights.ndim == 1:
        _label(draw, (x, middle), f"largest weight {highest}", "lm")
        return
    _label(draw, (x, middle), "0", "lm")
    _label(draw, (x + _PANEL, middle), highest, "rm")
    length = round(_PANEL - 28 - _font(_SMALL).getlength(highest))
    scale = colormap(np.linspace(0, 1, length))[None].repeat(8, axis=0)
    sheet.paste(Image.fromarray(scale), (x + 16, middle - 4))


def _draw_answers(draw, corner, answers, probabilities):
    x, y = corner
    draw.text((x, y), "answers", _FAINT, _font())
    y += 24
    for i, (answer, p) in enumerate(zip(answers, probabilities, strict=True)):
        percent = f"{100 * p:.1f} %"
        room = _PANEL - _font().getlength(percent) - 12
        ink = _FAINT if i else _INK
        draw.text((x, y), _cut(answer, _TEXT, room), ink, _font())
        draw.text((x + _PANEL, y), percent, ink, _font(), anchor="ra")
        draw.rectangle((x, y + 21, x + _PANEL, y + 26), fill=_TRACK)
        if p > 0:
            end = x + max(1, round(p * _PANEL))
            color = _BAR if i else _BAR_FIRST
            draw.rectangle((x, y + 21, end, y + 26), fill=color)
        y += 36


def _label(draw, place, text, anchor):
    draw.text(place, text, _FAINT, _font(_SMALL), anchor=anchor)


def _font(size=_TEXT):
    return ImageFont.load_default(size)


def _cut(text, size, width):
    """One line of `text`, with an ellipsis if it is wider than `width`."""
    text = " ".join(text.split())[:500]
    if _font(size).getlength(text) <= width:
        return text
    while text and _font(size).getlength(text + "...") > width:
        text = text[:-1]
    return text + "..."


def _wrap(text, size, width, max_lines):
    """Lines of whole words; a word wider than a line is cut."""
    words = text.split()
    lines = []
    while words and len(lines) < max_lines:
        line = words.pop(0)
        while words and _font(size).getlength(f"{line} {words[0]}") <= width:
            line = f"{line} {words.pop(0)}"
        lines.append(line)
    if words:
        lines[-1] = " ".join([lines[-1], *words[:50]])
    return [_cut(line, size, width) for line in lines] or ["(no question)"]
