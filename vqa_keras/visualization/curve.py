"""Draws the curves of a training as inline SVG."""

import html
import math

_WIDTH, _HEIGHT = 320, 120
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 8, 8, 18
_PANELS = (
    ("Loss", (("loss", "training"), ("val_loss", "validation"))),
    ("Accuracy", (("accuracy", "training"), ("val_accuracy", "validation"))),
)


def training_curves(history, best_epoch=None):
    """Renders loss and accuracy per epoch as HTML with inline SVG.

    Args:
        history: list of dict, the logs of each epoch: any of loss, val_loss,
            accuracy and val_accuracy, finite numbers. An epoch may lack some.
        best_epoch: int, the epoch whose weights were kept, from 1. Defaults to
            `None`.

    Returns:
        str; "" without such logs.
    """
    panels = [_panel(*panel, history, best_epoch) for panel in _PANELS]
    if not any(panels):
        return ""
    return (
        "<details open>\n<summary>Training</summary>\n"
        f'<div class="curves">\n{"".join(panels)}</div>\n</details>\n'
    )


def _panel(title, lines, history, best_epoch):
    found = [
        (name, label, points)
        for name, label in lines
        if (points := _points(history, name))
    ]
    if not found:
        return ""
    values = [value for *_, points in found for _, value in points]
    low, high = min(values), max(values)
    epochs = len(history)

    def place(epoch, value):
        across = (epoch - 1) / max(epochs - 1, 1)
        up = (value - low) / (high - low) if high > low else 0.5
        x = _LEFT + across * (_WIDTH - _LEFT - _RIGHT)
        y = _TOP + (1 - up) * (_HEIGHT - _TOP - _BOTTOM)
        return f"{x:.1f}", f"{y:.1f}"

    best = ""
    if best_epoch is not None:
        x, _ = place(best_epoch, low)
        best = (
            f'<line class="best" x1="{x}" x2="{x}" y1="{_TOP}" '
            f'y2="{_HEIGHT - _BOTTOM}"/>\n'
        )
    drawn = "".join(_line(label, points, place) for _, label, points in found)
    legend = ", ".join(
        f'<span class="{label}">{label} {points[-1][1]:.4g}</span>'
        for _, label, points in found
    )
    note = f"; epoch {best_epoch} is kept" if best_epoch is not None else ""
    label = html.escape(f"{title} of {epochs} epochs, {low:.4g} to {high:.4g}")
    return (
        f'<figure>\n<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{label}">\n'
        f'<text x="{_LEFT - 6}" y="{_TOP + 8}" class="y">{high:.3g}</text>\n'
        f'<text x="{_LEFT - 6}" y="{_HEIGHT - _BOTTOM}" class="y">{low:.3g}'
        f'</text>\n<text x="{_LEFT}" y="{_HEIGHT - 3}">1</text>\n'
        f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 3}" class="y">{epochs}'
        f"</text>\n{best}{drawn}</svg>\n"
        f"<figcaption>{title} of the last epoch: {legend}{note}</figcaption>\n"
        "</figure>\n"
    )


def _points(history, name):
    return [
        (epoch, logs[name])
        for epoch, logs in enumerate(history, 1)
        if name in logs and math.isfinite(logs[name])
    ]


def _line(label, points, place):
    """Renders a line, and its only point as a dot."""
    places = [place(*point) for point in points]
    if len(places) == 1:
        ((x, y),) = places
        return f'<circle class="{label}" cx="{x}" cy="{y}" r="2.5"/>\n'
    path = " ".join(f"{x},{y}" for x, y in places)
    return f'<polyline class="{label}" points="{path}"/>\n'
