"""One picture that tells what was asked, answered and looked at."""

from PIL import Image
from PIL import ImageDraw

from vqa_keras.visualization.drawing import Drawing
from vqa_keras.visualization.drawing import Part
from vqa_keras.visualization.drawing import by_form
from vqa_keras.visualization.heat_map import enlarge
from vqa_keras.visualization.kinds import draw
from vqa_keras.visualization.sheet import answer_bars
from vqa_keras.visualization.sheet import panel
from vqa_keras.visualization.sheet import strip
from vqa_keras.visualization.sheet import strip_height
from vqa_keras.visualization.sheet import word_chips
from vqa_keras.visualization.text import INK
from vqa_keras.visualization.text import font
from vqa_keras.visualization.text import wrap

_PANEL = 256  # longer side of the image, in pixels
_MARGIN = 24
_GAP = 20
_COLUMNS = 4
_TITLE = 22  # font size


def figure(image, question, answers, probabilities, attention, words=None):
    """Draws a question, its answers and every attention.

    The question stands on top, and below it the weights of its words: the
    darker a word, the larger its weight. Then come the image, one panel for
    each map with its name and a scale from 0 to its largest weight, and the
    answers with a bar for each probability. At the bottom, attention between
    words and regions has one small picture for each word or head. Text uses
    Pillow's built-in font, which knows the Latin script; other characters
    become empty boxes.

    How an attention is drawn follows from the beginning of its name, for N
    words and a grid of h x w regions; `[heads,]` may be missing:

        hop_*                 (h, w)            map over the image
                              (glimpses, h, w)  one map a glimpse
        words_*               (N,)              shaded words
        channels_*, concepts_*, cnn_layers_*    bars, (n,)
        affinity_*            (N, h, w)         one map a word, blue below 0
        words_to_regions_*    ([heads,] N, h, w)  where each word looks
        regions_to_words_*    ([heads,] h, w, N)  what looks at each word
        regions_to_regions_*  ([heads,] h, w, h, w)  what they look at
        words_to_words_*      ([heads,] N, N)   one table a head

    Regions that are no grid are one axis `(M,)` and drawn as bars. Weights of
    another name are drawn as a map `(h, w)` or as bars `(n,)`.
    Where there is a picture for each word, it is the mean over the heads. The
    first 14 words and 8 heads have pictures.

    Args:
        image: uint8 array, `(H, W, 3)`.
        question: str. Cut with an ellipsis after three lines.
        answers: list of str, the most probable first.
        probabilities: list of float in [0, 1], one an answer.
        attention: dict, name -> float array of N words, M regions.
        words: list of str, the words that the model read, such as
            `answer.words`; what the N places beyond them hold is padding and
            not drawn. None if unknown: words are numbered then.

    Returns:
        `PIL.Image.Image` in RGB. Notebooks show it; `.save(path)` writes it.

    Raises:
        ValueError: if a shape is wrong, a weight is negative or not finite,
            `answers` and `probabilities` do not match, or there are more
            words than places.
    """
    check_answers(answers, probabilities)
    picture = enlarge(image, _PANEL)
    drawings = [
        draw(name, image, weights, words, _PANEL)
        for name, weights in attention.items()
    ]
    chips, panels, strips = by_form(drawings)
    plain = Part("", picture, 0.0, 0.0, "")
    panels.insert(0, Drawing("image", "panel", [plain], "plain", 0.0))

    columns = _COLUMNS if strips else min(len(panels) + 1, _COLUMNS)
    rows = -(-(len(panels) + 1) // columns)
    inner = columns * (_PANEL + _GAP) - _GAP
    lines = wrap(question, _TITLE, inner, max_lines=3) or ["(no question)"]
    top = _MARGIN + len(lines) * (_TITLE + 8) + 16
    row_height = max(picture.shape[0], 24 + 36 * len(answers)) + 64
    below = sum(strip_height(drawing, inner) for drawing in strips)
    pieces = [word_chips(drawing, inner) for drawing in chips]
    above = sum(piece.height for piece in pieces)
    height = top + above + rows * row_height + below
    sheet = Image.new("RGB", (inner + 2 * _MARGIN, height), "white")
    pen = ImageDraw.Draw(sheet)
    for i, line in enumerate(lines):
        place = (_MARGIN, _MARGIN - 4 + i * (_TITLE + 8))
        pen.text(place, line, INK, font(_TITLE))
    y = top
    for piece in pieces:
        sheet.paste(piece, (_MARGIN, y))
        y += piece.height

    def corner(i):
        row, column = divmod(i, columns)
        return _MARGIN + column * (_PANEL + _GAP), y + row * row_height

    for i, drawing in enumerate(panels):
        panel(sheet, corner(i), drawing, _PANEL)
    answer_bars(pen, corner(len(panels)), answers, probabilities, _PANEL)
    y += rows * row_height
    for drawing in strips:
        strip(sheet, (_MARGIN, y), drawing, inner)
        y += strip_height(drawing, inner)
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
