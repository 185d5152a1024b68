"""Renders HTML pages without other files or network access."""

import base64
import hashlib
import importlib.resources

from vqa_keras.visualization.card import card
from vqa_keras.visualization.card import escape

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
img-src data:; style-src 'unsafe-inline'{policy}">
<style>
{style}</style>
</head>
<body>
{body}
{script}</body>
</html>
"""


def page(example):
    """Renders an answered question as an HTML page.

    Args:
        example: `vqa_keras.visualization.Example`.

    Returns:
        str, a page in the style of the report with the card of the example.

    Raises:
        ValueError: if the example cannot be drawn, as in
            `vqa_keras.visualization.card.card`.

    Example:
    ```python
    text = vqa_keras.visualization.page(example)
    pathlib.Path("answer.html").write_text(text, encoding="utf-8")
    ```
    """
    body = f'<main>\n<div class="cards">\n{card(example)}\n</div>\n</main>'
    return html_page(example.question or "(no question)", body)


def html_page(title, body, script=""):
    """Renders a page in the style of the report.

    Args:
        title: str, plain text.
        body: str, HTML.
        script: str, the only script that the page may run. Defaults to `""`:
            none.

    Returns:
        str, HTML.
    """
    folder = importlib.resources.files("vqa_keras.visualization")
    style = (folder / "report.css").read_text(encoding="utf-8")
    policy = ""
    if script:
        digest = hashlib.sha256(script.encode()).digest()
        policy = f"; script-src 'sha256-{base64.b64encode(digest).decode()}'"
        script = f"<script>{script}</script>\n"
    return _PAGE.format(
        title=escape(title),
        style=style,
        body=body,
        policy=policy,
        script=script,
    )
