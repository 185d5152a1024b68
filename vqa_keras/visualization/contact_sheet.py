"""Draws a sheet of examples, each with its question and answer."""

import numpy as np
from PIL import Image
from PIL import ImageDraw

from vqa_keras.visualization.text import FAINT
from vqa_keras.visualization.text import INK
from vqa_keras.visualization.text import font
from vqa_keras.visualization.text import wrap

_SIDE = 192  # of the square that an image is fitted into, in pixels
_MARGIN = 12
_SIZE = 13  # of the font
_LINE = 17
_LINES = 3  # of a question
_BOX = (230, 60, 40)
_EMPTY = (238, 239, 241)


def contact_sheet(examples, columns=4):
    """Draws examples in rows on one sheet.

    Args:
        examples: list of dict with
            image: uint8 array, `(H, W, 3)`, or None if there is none.
            question, answer: str.
            boxes: list of [x1, y1, x2, y2] in pixels, which are outlined.
        columns: int, examples per row. Defaults to 4.

    Returns:
        `PIL.Image.Image` in RGB.
    """
    cell = (_SIDE + _MARGIN, _SIDE + (_LINES + 1) * _LINE + 2 * _MARGIN)
    rows = -(-len(examples) // columns)
    columns = min(columns, len(examples))
    size = (columns * cell[0] + _MARGIN, rows * cell[1] + _MARGIN)
    sheet = Image.new("RGB", size, "white")
    for number, example in enumerate(examples):
        row, column = divmod(number, columns)
        corner = (_MARGIN + column * cell[0], _MARGIN + row * cell[1])
        _draw(sheet, example, corner)
    return sheet


def _draw(sheet, example, corner):
    left, top = corner
    draw = ImageDraw.Draw(sheet)
    if example["image"] is None:
        square = (left, top, left + _SIDE - 1, top + _SIDE - 1)
        draw.rectangle(square, fill=_EMPTY)
        draw.text((left + 8, top + 8), "no image", FAINT, font(_SIZE))
    else:
        image = _fitted(example["image"], example["boxes"])
        x = left + (_SIDE - image.width) // 2
        sheet.paste(image, (x, top + _SIDE - image.height))
    top += _SIDE + 4
    for line in wrap(example["question"], _SIZE, _SIDE, _LINES):
        draw.text((left, top), line, INK, font(_SIZE, line))
        top += _LINE
    for line in wrap(example["answer"], _SIZE, _SIDE, 1):
        draw.text((left, top), line, _BOX, font(_SIZE, line))


def _fitted(image, boxes):
    height, width = image.shape[:2]
    scale = _SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    fitted = Image.fromarray(np.asarray(image)).resize(size)
    draw = ImageDraw.Draw(fitted)
    for x1, y1, x2, y2 in boxes:
        x1, x2 = sorted((x1 * scale, x2 * scale))
        y1, y2 = sorted((y1 * scale, y2 * scale))
        draw.rectangle((x1, y1, x2, y2), outline=_BOX, width=2)
    return fitted
