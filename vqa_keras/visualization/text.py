"""Measures and wraps text in Pillow's built-in font, which has Latin script."""

import bisect

from PIL import ImageFont

INK, FAINT = (28, 30, 34), (108, 112, 120)


def font(size):
    """Returns the font of a height in pixels."""
    return ImageFont.load_default(size)


def width_of(text, size):
    """Returns the width of one line in pixels."""
    return font(size).getlength(text)


def cut(text, size, width):
    """Truncates text to one line of `width` pixels, with an ellipsis.

    Args:
        text: str.
        size: int, height of the font in pixels.
        width: int or float, in pixels.

    Returns:
        str.
    """
    text = " ".join(text.split())[:500]
    if width_of(text, size) <= width:
        return text
    fits = bisect.bisect_right(
        range(len(text)), width, key=lambda n: width_of(f"{text[:n]}...", size)
    )
    return text[: max(0, fits - 1)] + "..."


def wrap(text, size, width, max_lines):
    """Wraps text to lines of words; truncates words wider than a line.

    Args:
        text: str.
        size: int, height of the font in pixels.
        width: int or float, in pixels.
        max_lines: int. The last line is truncated if text is left.

    Returns:
        list of str.
    """
    words = text.split()
    lines = []
    while words and len(lines) < max_lines:
        line = words.pop(0)
        while words and width_of(f"{line} {words[0]}", size) <= width:
            line = f"{line} {words.pop(0)}"
        lines.append(line)
    if words:
        lines[-1] = " ".join([lines[-1], *words[:50]])
    return [cut(line, size, width) for line in lines]
