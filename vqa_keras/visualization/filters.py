"""Renders the filters of a report's cards."""

import importlib.resources

from vqa_keras.visualization.card import escape


def filters(kinds):
    """Renders the fields that choose which cards are shown.

    They are hidden until `script()` runs.

    Args:
        kinds: iterable of str, the types of all cards.

    Returns:
        str, HTML.
    """
    options = "".join(
        f'<option value="{escape(kind)}">{escape(kind)}</option>\n'
        for kind in sorted(kinds)
    )
    return (
        '<div class="filters" role="search" hidden>\n'
        '<label>Answers <select name="result">\n'
        '<option value="">all</option>\n<option value="right">correct</option>'
        '\n<option value="wrong">incorrect</option>\n</select></label>\n'
        '<label>Type <select name="type">\n<option value="">all</option>\n'
        f"{options}</select></label>\n"
        '<label>Question <input type="search" name="text" dir="auto"></label>\n'
        "</div>\n"
    )


def script():
    """Returns the script of the filters."""
    folder = importlib.resources.files("vqa_keras.visualization")
    return (folder / "report.js").read_text(encoding="utf-8")
