"""A static page of right and wrong answers with their heat maps."""

import base64
import dataclasses
import html
import importlib.resources
import io
import os
import pathlib
import tempfile
import unicodedata

import numpy as np
from PIL import Image

from vqa_keras.visualization.figure import check_answers
from vqa_keras.visualization.heat_map import bars
from vqa_keras.visualization.heat_map import check_weights
from vqa_keras.visualization.heat_map import enlarge
from vqa_keras.visualization.heat_map import overlay

_SIZE = 192  # longer side of a drawn image, in pixels


@dataclasses.dataclass(frozen=True)
class Example:
    """One answered question of the report.

    Attributes:
        image: uint8 array, `(H, W, 3)`.
        image_id: str or int.
        question: str.
        answer: str, the true answer; `""` if none is known.
        answers: list of str, the predicted answers, the most probable first.
        probabilities: list of float in [0, 1], one a predicted answer.
        attention: dict, name -> float array `(h, w)` or `(n,)`.
        correct: bool. Whether the first predicted answer is right.
    """

    image: np.ndarray
    image_id: str | int
    question: str
    answer: str
    answers: list
    probabilities: list
    attention: dict
    correct: bool


def write_report(path, examples, summary):
    """Writes one HTML file that needs no other file, network or script.

    The page opens with the numbers of `summary`, then shows the wrong and the
    right examples: image, the heat map of every attention with its largest
    weight, question, true answer and a bar for each predicted answer. All text
    is escaped. The file appears under its name only when complete.

    Args:
        path: where to write; missing folders are made.
        examples: iterable of `Example`, in the order they are shown.
        summary: dict of what is known about the run; every entry is optional.
            `"title"`: str. `"questions"`: int, how many were evaluated.
            `"accuracy"`: as `vqa_keras.metrics.accuracy` gives.
            `"floors"`: as `vqa_keras.metrics.floors` gives.
            `"grounding"`: dict, name of the map -> as
            `vqa_keras.metrics.grounding` gives.
            `"settings"`: dict, name -> value.

    Returns:
        `pathlib.Path` of the file.

    Raises:
        ValueError: if `summary` has another entry, or an example cannot be
            drawn.
    """
    known = {
        "title", "questions", "accuracy", "floors", "grounding", "settings",
    }  # fmt: skip
    if set(summary) - known:
        raise ValueError(
            f"`summary` may hold {sorted(known)}. Received: {sorted(summary)}"
        )
    cards = {True: [], False: []}
    for example in examples:
        cards[bool(example.correct)].append(_card(example))
    folder = importlib.resources.files("vqa_keras.visualization")
    title = summary.get("title", "Answers and heat maps")
    page = _PAGE.format(
        title=_escape(title),
        style=(folder / "report.css").read_text(encoding="utf-8"),
        numbers=_numbers(summary),
        wrong=_section("Wrong answers", cards[False]),
        right=_section("Right answers", cards[True]),
    )
    return _write(pathlib.Path(path), page)


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<header>
<h1 dir="auto">{title}</h1>
{numbers}
</header>
<main>
{wrong}
{right}
</main>
</body>
</html>
"""


def _numbers(summary):
    tiles = []
    accuracy = summary.get("accuracy", {})
    if accuracy:
        questions = summary.get("questions")
        note = f"of {questions:,} questions" if questions else ""
        tiles.append(_tile("Accuracy", accuracy["overall"], note, "lead"))
        for kind, percent in accuracy.get("per_answer_type", {}).items():
            tiles.append(_tile(f"Accuracy, {kind}", percent, ""))
    notes = {
        "majority": ("Floor, majority", "always the most common answer"),
        "question_only": ("Floor, question only", "never sees the image"),
    }
    for name, percent in summary.get("floors", {}).items():
        label, note = notes.get(name, (f"Floor, {name}", ""))
        tiles.append(_tile(label, percent, note, "floor"))
    for name, scores in summary.get("grounding", {}).items():
        note = (
            f"{scores['mass']:.1f}% of weight, chance {scores['chance']:.1f}%"
        )
        label = f"{_spoken(name)}, peak on the object"
        tiles.append(_tile(label, scores["peak"], note))
    rows = "".join(
        f"<div><dt>{_escape(name)}</dt>"
        f'<dd dir="auto">{_escape(value)}</dd></div>\n'
        for name, value in summary.get("settings", {}).items()
    )
    settings = (
        "<details open>\n<summary>Settings of the run</summary>\n"
        f'<dl class="settings">\n{rows}</dl>\n</details>\n'
    )
    tiles = f'<dl class="tiles">\n{"".join(tiles)}</dl>\n' if tiles else ""
    return tiles + (settings if rows else "")


def _tile(label, percent, note, kind="plain"):
    note = f'<dd class="note">{_escape(note)}</dd>' if note else ""
    return (
        f'<div class="tile {kind}"><dt>{_escape(label)}</dt>'
        f"<dd>{percent:.1f}<small> %</small></dd>{note}</div>\n"
    )


def _section(heading, cards):
    body = "\n".join(cards) or '<p class="none">None among the examples.</p>'
    return (
        f"<section>\n<h2>{heading} <small>{len(cards)} shown</small></h2>\n"
        f'<div class="cards">\n{body}\n</div>\n</section>'
    )


def _card(example):
    check_answers(example.answers, example.probabilities)
    picture = enlarge(example.image, _SIZE)
    figures = [_figure(picture, f"Image {example.image_id}", "image", "")]
    for name, weights in example.attention.items():
        weights = check_weights(weights)
        highest = f"{weights.max():.2g}"
        if weights.ndim == 2:
            drawn = overlay(example.image, weights, _SIZE)
            row, column = np.unravel_index(weights.argmax(), weights.shape)
            where = (
                f"row {row + 1} of {weights.shape[0]}, "
                f"column {column + 1} of {weights.shape[1]}"
            )
            scale = (
                '<span class="scale"><span>0</span><span class="ramp"></span>'
                f"<span>{highest}</span></span>"
            )
        else:
            drawn = bars(weights, _SIZE, picture.shape[0])
            where = f"{weights.argmax() + 1} of {len(weights)}"
            scale = f'<span class="scale">largest weight {highest}</span>'
        alt = f"Attention {_spoken(name)}: largest weight {highest} at {where}"
        figures.append(_figure(drawn, alt, _spoken(name), scale))

    truth = example.answer or "(unknown)"
    verdict = "right" if example.correct else "wrong"
    return (
        f'<article class="card {verdict}">\n'
        f'<h3 dir="auto">{_escape(example.question or "(no question)")}</h3>\n'
        f'<div class="maps">\n{"".join(figures)}</div>\n'
        f'<p class="truth">True answer <b><bdi>{_escape(truth)}</bdi></b></p>\n'
        f'<ol class="answers">\n{_bars_of_answers(example)}</ol>\n'
        f'<p class="id">image <bdi>{_escape(example.image_id)}</bdi></p>\n'
        "</article>"
    )


def _bars_of_answers(example):
    return "".join(
        f"<li{' class=true' if answer == example.answer else ''}>"
        f"<bdi>{_escape(answer)}</bdi>"
        f'<span class="percent">{100 * p:.1f} %</span>'
        f'<span class="track"><span style="width:{100 * p:.1f}%"></span></span>'
        "</li>\n"
        for answer, p in zip(
            example.answers, example.probabilities, strict=True
        )
    )


def _figure(picture, alt, caption, scale):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG", optimize=True)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    height, width = picture.shape[:2]
    return (
        f'<figure><img src="data:image/png;base64,{data}" width="{width}" '
        f'height="{height}" alt="{_escape(alt)}">'
        f"<figcaption>{_escape(caption)}{scale}</figcaption></figure>\n"
    )


def _spoken(name):
    return str(name).replace("_", " ")


def _escape(text):
    """Text as HTML; control characters and lone surrogates become U+FFFD."""
    text = "".join(
        "\ufffd" if unicodedata.category(c) in ("Cc", "Cs") else c
        for c in " ".join(str(text).split())
    )
    return html.escape(text, quote=True)


def _write(path, page):
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(
        dir=path.parent, prefix=f".{path.name}.", suffix=".tmp"
    )
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(page)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
    return path
