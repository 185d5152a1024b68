"""Renders the figures of all types of questions and answers as a table."""

from vqa_keras.visualization.card import escape

# Of a baseline: its name, and how it answers.
BASELINES = {
    "majority": ("majority", "most frequent training answer"),
    "same_question": (
        "same question",
        "most frequent training answer of the same question",
    ),
    "question_only": ("question_only", "a model without the image"),
}


def type_table(rows):
    """Renders a table of types, one row per type.

    Args:
        rows: list of dict of
            `"kind"`: str, such as "answer type".
            `"type"`: str.
            `"questions"`: int.
            `"accuracy"`, `"outside"`: percent, or None.
            `"baselines"`: dict, name -> percent.

    Returns:
        str, HTML; "" without rows.
    """
    if not rows:
        return ""
    names = list(dict.fromkeys(n for row in rows for n in row["baselines"]))
    titles = ["Type", "Questions", "Accuracy", "Outside the vocabulary"]
    titles += [f"Baseline, {BASELINES.get(n, (n,))[0]}" for n in names]
    head = "".join(f'<th scope="col">{escape(t)}</th>' for t in titles)
    body = "".join(_row(row, names) for row in rows)
    return (
        "<details open>\n<summary>Types of questions and answers</summary>\n"
        f'<div class="wide"><table class="figures">\n<thead><tr>{head}</tr>'
        f"</thead>\n<tbody>\n{body}</tbody>\n</table></div>\n</details>\n"
    )


def _row(row, names):
    cells = [f"{row['questions']:,}", percent(row["accuracy"])]
    cells += [percent(row["outside"])]
    cells += [percent(row["baselines"].get(name)) for name in names]
    kind = escape(row["kind"])
    title = escape(row["type"] or "(none)")
    return (
        f'<tr><th scope="row">{kind} <bdi>{title}</bdi></th>'
        + "".join(f"<td>{cell}</td>" for cell in cells)
        + "</tr>\n"
    )


def percent(value):
    """Returns a percentage as text, a dash for None."""
    return "\u2013" if value is None else f"{value:.1f} %"
