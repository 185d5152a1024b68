"""Measures and wraps text, in the first font that has its characters."""

import bisect
import functools

from PIL import ImageFont

INK, FAINT = (28, 30, 34), (108, 112, 120)
# Pillow's built-in font has ASCII. Fonts of other scripts that systems
# have, found by Pillow in their folders: Linux, macOS, Windows.
_FONTS = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "NotoSansCJK-Regular.ttc",
    "NotoSansThai-Regular.ttf",
    "NotoSansDevanagari-Regular.ttf",
    "NotoSansArabic-Regular.ttf",
    "NotoSansHebrew-Regular.ttf",
    "Arial Unicode.ttf",
    "Hiragino Sans GB.ttc",
    "arial.ttf",
    "msgothic.ttc",
    "msyh.ttc",
    "malgun.ttf",
    "Nirmala.ttf",
    "LeelawUI.ttf",
    "seguisym.ttf",
)
_ABSENT = "\U0010fffd"  # a private character, which fonts draw as a box


def font(size, text=""):
    """Returns the font of a height in pixels that has most of a text.

    Args:
        size: int, height in pixels.
        text: str. Ties go to the built-in font, then to the order of the list.
            Defaults to "", which any font has.
    """
    fonts = _fonts(size)
    if text.isascii():
        return fonts[0]
    chars = {char for char in text if not char.isspace()}
    known = [sum(_has(f, char) for char in chars) for f in fonts]
    return fonts[known.index(max(known))]


@functools.cache
def _fonts(size):
    found = [ImageFont.load_default(size)]
    for name in _FONTS:
        try:
            found.append(ImageFont.truetype(name, size))
        except OSError:
            continue
    return found


@functools.cache
def _has(font, char):
    """Whether a font draws a character as something else than its box."""
    drawn, box = (font.getmask(text) for text in (char, _ABSENT))
    return (drawn.size, bytes(drawn)) != (box.size, bytes(box))


def width_of(text, size):
    """Returns the width of one line in pixels."""
    return font(size, text).getlength(text)


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
