"""Draws each kind of attention."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from vqa_keras.attention_axes import attention_kind
from vqa_keras.visualization.drawing import Drawing
from vqa_keras.visualization.drawing import Part
from vqa_keras.visualization.drawing import peak
from vqa_keras.visualization.drawing import where
from vqa_keras.visualization.heat_map import bars
from vqa_keras.visualization.heat_map import check_weights
from vqa_keras.visualization.heat_map import enlarge
from vqa_keras.visualization.heat_map import overlay
from vqa_keras.visualization.labeled import labeled_bars
from vqa_keras.visualization.labeled import matrix
from vqa_keras.visualization.signed_map import signed_overlay

MAX_WORDS, MAX_HEADS = 14, 8  # small images per attention
_MAX_LABELS = 16  # most bars with labels
_TABLES = 256, 204  # longer side of up to four tables of words, of more


class _Kind(NamedTuple):
    draw: Callable  # (name, image, weights, words, size) -> Drawing
    shapes: tuple  # one str per allowed rank
    signed: bool = False


def draw(name, image, weights, words=None, size=256):
    """Draws one attention by the kind that its name begins with.

    For N words and a grid of h x w regions; `[heads,]` is optional:

        regions_*             (h, w)                 one map over the image
                              (glimpses, h, w)       one map per glimpse
        words_*               (N,)                   shaded words
        channels_*, concepts_*, cnn_layers_*  (n,)   bars
        affinity_*            (N, h, w)              one signed map per word
        words_to_regions_*    ([heads,] N, h, w)     one map per word
        regions_to_words_*    ([heads,] h, w, N)     one map per word
        regions_to_regions_*  ([heads,] h, w, h, w)  one map per head, the mean
                                                     over the query regions
        words_to_words_*      ([heads,] N, N)        one table per head

    Regions without a grid have one axis, `(M,)`, and are drawn as bars. A map
    per word is the mean over the heads.

    Args:
        name: str, such as "regions_1" or "words_to_regions_2".
        image: uint8 array, `(H, W, 3)`.
        weights: float array, one of the shapes above.
        words: list of str, the words of the question, one per position on the
            axis of words; positions after the last word are padding and not
            drawn. Defaults to `None`: words are unknown and numbered.
        size: int. Longer side of a panel in pixels; small images have about
            half. Defaults to 256.

    Returns:
        `Drawing` of at most the first 14 words and 8 heads.

    Raises:
        ValueError: if the name is of no known kind, a shape is wrong, a weight
            is negative (except in `affinity_*`) or not finite, or there are
            more words than positions.
    """
    name = str(name)
    kind = _KINDS[attention_kind(name)]
    ranks = [len(shape.strip("(,)").split(",")) for shape in kind.shapes]
    shapes = dict(zip(ranks, kind.shapes, strict=True))
    weights = check_weights(weights, shapes, signed=kind.signed)
    label = name.replace("_", " ")
    return kind.draw(label, image, weights, list(words or ()), size)


def _regions(name, image, weights, words, size):
    if weights.ndim == 3:
        if len(weights) == 1:
            raise ValueError(
                "attention weights must have no axis of glimpses if there is "
                f"only one. Received: weights.shape={weights.shape}"
            )
        labels = _heads(weights, "glimpse")
        return _strip(name, image, weights[: len(labels)], labels, size)
    if weights.ndim == 1:
        return _bars(name, image, weights, words, size)
    panel = overlay(image, weights, size)
    return _panel(name, panel, weights, "heat")


def _bars(name, image, weights, words, size):
    height = enlarge(image, size).shape[0]
    return _panel(name, bars(weights, size, height), weights, None)


def _numbered_bars(name, image, weights, words, size):
    if len(weights) > _MAX_LABELS:
        return _bars(name, image, weights, words, size)
    height = max(64, enlarge(image, size).shape[0])
    kind = "layer " if name.startswith("cnn") and len(weights) < 5 else ""
    labels = [f"{kind}{i + 1}" for i in range(len(weights))]
    panel = labeled_bars(weights, labels, size, height)
    return _panel(name, panel, weights, None)


def _words(name, image, weights, words, size):
    weights = weights.reshape(-1, weights.shape[-1]).mean(axis=0)
    if not words:
        return _numbered_bars(name, image, weights, words, size)
    words = _labels(words, len(weights), None)
    weights = weights[: len(words)]
    highest = weights.max()
    parts = [
        Part(word, None, w, w / highest if highest > 0 else 0.0, "")
        for word, w in zip(words, weights, strict=True)
    ]
    return Drawing(name, "words", parts, None, highest)


def _affinity(name, image, weights, words, size):
    labels = _labels(words, len(weights))
    values = weights[: len(labels)]
    if values.ndim == 2:  # regions without a grid: one column each, no image
        values = values[:, None]
        image = np.full((1, 2, 3), 255, np.uint8)
    highest = np.abs(values).max()
    parts = []
    for label, row in zip(labels, values, strict=True):
        panel = signed_overlay(image, row, _small(size), highest)
        alt = f"{name}, {label}: from {row.min():.2g} to {row.max():.2g}"
        parts.append(Part(label, panel, row.max(), 0.0, alt))
    caption = "affinity of each word with the regions, negative in blue"
    caption += _left_out(labels, words or weights, "words")
    return Drawing(name, "strip", parts, "signed", highest, caption)


def _words_to_regions(name, image, weights, words, size):
    if weights.ndim == 4:
        weights = weights.mean(axis=0)
    labels = _labels(words, len(weights))
    caption = "weights of each word over the regions"
    caption += _left_out(labels, words or weights, "words")
    return _strip(name, image, weights[: len(labels)], labels, size, caption)


def _regions_to_words(name, image, weights, words, size):
    if weights.ndim == 4:
        weights = weights.mean(axis=0)
    weights = np.moveaxis(weights, -1, 0)  # (N, h, w)
    labels = _labels(words, len(weights))
    caption = "weight of each word for every region"
    caption += _left_out(labels, words or weights, "words")
    weights = weights[: len(labels)]
    return _strip(name, image, weights, labels, size, caption, "heat")


def _regions_to_regions(name, image, weights, words, size):
    if weights.ndim % 2 == 0:
        weights = weights[None]
    query_axes = tuple(range(1, (weights.ndim + 1) // 2))
    means = weights.mean(axis=query_axes)  # (heads, h, w)
    labels = _heads(means, "head")
    caption = "weights over the regions, mean of all query regions"
    caption += _left_out(labels, means, "heads")
    return _strip(name, image, means[: len(labels)], labels, size, caption)


def _words_to_words(name, image, weights, words, size):
    weights = weights.reshape(-1, *weights.shape[-2:])
    heads, places = _heads(weights, "head"), weights.shape[-1]
    labels = _labels(words, places)
    drawn = weights[: len(heads), : len(labels), : len(labels)]
    side = _TABLES[0] if len(heads) <= 4 else _TABLES[1]
    parts = []
    for head, square in zip(heads, drawn, strict=True):
        row, column = peak(square)
        alt = (
            f"{name}, {head}: largest weight {square.max():.2g} in row "
            f"{labels[row]}, column {labels[column]}"
        )
        table = matrix(square, labels, side)
        parts.append(Part(head, table, square.max(), 0.0, alt))
    caption = "weights of each word (row) over the words (columns)"
    caption += _left_out(heads, weights, "heads")
    caption += _left_out(labels, words or range(places), "words")
    return Drawing(name, "tables", parts, "each", drawn.max(), caption)


_KINDS = {
    "regions": _Kind(_regions, ("(M,)", "(h, w)", "(glimpses, h, w)")),
    "words": _Kind(_words, ("(N,)", "(glimpses, N)")),
    "channels": _Kind(_bars, ("(C,)",)),
    "cnn_layers": _Kind(_numbered_bars, ("(L,)",)),
    "concepts": _Kind(_numbered_bars, ("(K,)",)),
    "affinity": _Kind(_affinity, ("(N, M)", "(N, h, w)"), signed=True),
    "words_to_words": _Kind(_words_to_words, ("(N, N)", "(heads, N, N)")),
    "words_to_regions": _Kind(
        _words_to_regions, ("(N, M)", "(N, h, w)", "(heads, N, h, w)")
    ),
    "regions_to_words": _Kind(
        _regions_to_words, ("(M, N)", "(h, w, N)", "(heads, h, w, N)")
    ),
    "regions_to_regions": _Kind(
        _regions_to_regions,
        ("(M, M)", "(heads, M, M)", "(h, w, h, w)", "(heads, h, w, h, w)"),
    ),
}


def _panel(name, panel, weights, scale):
    highest = weights.max()
    alt = f"Attention {name}: {where(weights)}"
    part = Part("", panel, highest, 0.0, alt)
    return Drawing(name, "panel", [part], scale, highest)


def _strip(name, image, maps, labels, size, caption="", scale="each"):
    """Draws one small image per map; `maps` (labels, h, w) or (labels, M)."""
    highest = maps.max() if scale == "heat" else None
    parts = []
    for label, weights in zip(labels, maps, strict=True):
        if weights.ndim == 2:
            panel = overlay(image, weights, _small(size), highest)
        else:
            panel = bars(weights, _small(size), _small(size) // 2, highest)
        alt = f"{name}, {label}: {where(weights)}"
        parts.append(Part(label, panel, weights.max(), 0.0, alt))
    scale = scale if maps.ndim == 3 else None
    return Drawing(name, "strip", parts, scale, maps.max(), caption)


def _small(size):
    """Returns the side of small images, about half: 93 of 192 pixels."""
    return size * 31 // 64


def _labels(words, places, most=MAX_WORDS):
    """Returns the words to draw, or their numbers if they are unknown."""
    if len(words) > places:
        raise ValueError(
            f"`words` must have at most {places} words, the length of the "
            f"attention weights' axis of words. Received: {words}"
        )
    return (words or [f"word {i + 1}" for i in range(places)])[:most]


def _heads(weights, label):
    return [f"{label} {i + 1}" for i in range(len(weights))][:MAX_HEADS]


def _left_out(drawn, all, what):
    if len(drawn) == len(all):
        return ""
    return f"; the first {len(drawn)} of {len(all)} {what}"
