"""Renders an answered question as HTML: its words, maps and answers."""

import base64
import html
import io
import unicodedata

from PIL import Image

from vqa_keras.visualization.drawing import by_form
from vqa_keras.visualization.heat_map import enlarge
from vqa_keras.visualization.kinds import draw

_SIZE = 192  # longer side of a panel, in pixels
_OPEN = 3  # most strips of a card that are initially open


def card(example):
    """Renders an answered question as an HTML article.

    Args:
        example: `vqa_keras.visualization.Example`.

    Returns:
        str, HTML.

    Raises:
        ValueError: if an attention cannot be drawn (see
            `vqa_keras.visualization.kinds.draw`), the image is not uint8 of
            shape `(H, W, 3)`, or there is not one probability in [0, 1] per
            answer.
    """
    _check_answers(example.answers, example.probabilities)
    drawings = [
        draw(name, example.image, weights, example.words, _SIZE)
        for name, weights in example.attention.items()
    ]
    words, panels, strips = by_form(drawings)
    image_id = example.image_id
    alt = "Image" if image_id is None else f"Image {image_id}"
    image = _figure(enlarge(example.image, _SIZE), alt, "image")
    maps = "".join([image, *map(_panel, panels)])
    chips = "".join(map(_chips, words))
    is_open = " open" if len(strips) <= _OPEN else ""
    below = "".join(_strip(drawing, is_open) for drawing in strips)
    return (
        f'<article class="card{_verdict(example.correct)}">\n'
        f'<h3 dir="auto">{escape(example.question or "(no question)")}</h3>\n'
        f"{_unused(example.unused_words)}{chips}"
        f'<div class="maps">\n{maps}</div>\n{below}'
        f'{_truth(example.answer)}<ol class="answers">\n'
        f"{_answers(example)}</ol>\n"
        f"{_origin(example)}</article>"
    )


def _unused(words):
    if not words:
        return ""
    listed = escape(", ".join(words))
    return f'<p class="scale" dir="auto">words not used: {listed}</p>\n'


def escape(text):
    """Escapes text for HTML, with U+FFFD for control characters.

    Lone surrogates also become U+FFFD, and whitespace single spaces.

    Args:
        text: any value, converted by `str`.

    Returns:
        str.
    """
    text = "".join(
        "\ufffd" if unicodedata.category(c) in ("Cc", "Cs") else c
        for c in " ".join(str(text).split())
    )
    return html.escape(text, quote=True)


def _check_answers(answers, probabilities):
    if len(answers) != len(probabilities) or not all(
        0 <= p <= 1 for p in probabilities
    ):
        raise ValueError(
            "`probabilities` must hold one number in [0, 1] per answer. "
            f"Received: {list(probabilities)} for {len(answers)} answers"
        )


def _panel(drawing):
    part = drawing.parts[0]
    highest = f"{drawing.highest:.2g}"
    if drawing.scale == "heat":
        scale = _scale("0", highest)
    else:
        scale = f'<span class="scale">largest weight {highest}</span>'
    return _figure(part.image, part.alt, drawing.name, scale)


def _chips(drawing):
    """Renders words on a background that is stronger for larger weights."""
    chips = "".join(
        f'<span class="chip"><bdi style="--fraction:{part.fraction:.2f}">'
        f"{escape(part.label)}</bdi><small>{part.highest:.2g}</small></span>\n"
        for part in drawing.parts
    )
    name = f'<span class="name">{escape(drawing.name)}</span>'
    return f'<div class="chips">{name}\n{chips}</div>\n'


def _strip(drawing, is_open):
    highest = f"{drawing.highest:.2g}"
    scale = {
        None: "",
        "heat": _scale("0", highest),
        "each": _scale("0", "largest"),
        "signed": _scale(f"\u2212{highest}", highest, " signed"),
    }[drawing.scale]
    each = drawing.scale in (None, "each")
    figures = "".join(
        _figure(
            part.image,
            part.alt,
            part.label,
            f"<small>{part.highest:.2g}</small>" if each else "",
        )
        for part in drawing.parts
    )
    return (
        f"<details{is_open}>\n<summary>{escape(drawing.name)} "
        f"<small>{escape(drawing.caption)}</small></summary>\n{scale}\n"
        f'<div class="{drawing.form}">\n{figures}</div>\n</details>\n'
    )


def _scale(lowest, highest, kind=""):
    return (
        f'<span class="scale"><span>{lowest}</span><span class="ramp{kind}">'
        f"</span><span>{highest}</span></span>"
    )


def _verdict(correct):
    if correct is None:
        return ""
    return " right" if correct else " wrong"


def _truth(answer):
    if answer is None:
        return ""
    truth = escape(answer or "(unknown)")
    return f'<p class="truth">True answer <b><bdi>{truth}</bdi></b></p>\n'


def types_of(example):
    """Returns the types of an example, each with what it is a type of."""
    named = {
        "question type": example.question_type,
        "answer type": example.answer_type,
    }
    return [f"{kind} {value}" for kind, value in named.items() if value]


def _origin(example):
    """Renders the ids and the types of an example."""
    named = {"image": example.image_id, "question": example.question_id}
    parts = [
        f"{name} <bdi>{escape(value)}</bdi>"
        for name, value in named.items()
        if value is not None
    ]
    parts += [
        f'<data value="{escape(kind)}">{escape(kind)}</data>'
        for kind in types_of(example)
    ]
    return f'<p class="id">{", ".join(parts)}</p>\n' if parts else ""


def _answers(example):
    return "".join(
        f"<li{' class=true' if answer == example.answer else ''}>"
        f"<bdi>{escape(answer)}</bdi>"
        f'<span class="percent">{100 * p:.1f} %</span>'
        f'<span class="track"><span style="width:{100 * p:.1f}%"></span></span>'
        "</li>\n"
        for answer, p in zip(
            example.answers, example.probabilities, strict=True
        )
    )


def _figure(image, alt, caption, below=""):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", optimize=True)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    height, width = image.shape[:2]
    return (
        f'<figure><img src="data:image/png;base64,{data}" width="{width}" '
        f'height="{height}" alt="{escape(alt)}">'
        f'<figcaption><span dir="auto">{escape(caption)}</span>{below}'
        "</figcaption></figure>\n"
    )
