"""Writes a page of correct and incorrect answers with heat maps."""

from vqa_keras.files import make_folder_of
from vqa_keras.files import write_atomically
from vqa_keras.visualization.card import card
from vqa_keras.visualization.card import escape
from vqa_keras.visualization.card import types_of
from vqa_keras.visualization.curve import training_curves
from vqa_keras.visualization.filters import filters
from vqa_keras.visualization.filters import script
from vqa_keras.visualization.page import html_page
from vqa_keras.visualization.type_table import BASELINES
from vqa_keras.visualization.type_table import percent
from vqa_keras.visualization.type_table import type_table

_NO_BASELINES = "No baselines: the records have no training split."


def write_report(path, examples, summary):
    """Writes an HTML report without other files or network access.

    The page begins with the numbers of `summary`. Then follow the incorrect
    examples, the correct ones, and those with an unknown result if there are
    any, each as a card: question, image, every attention with its largest
    weight, true answer, one bar per predicted answer, ids and types. A script
    filters the cards by result, type and text of the question. All text is
    escaped. The file appears under its name only when it is complete.

    Args:
        path: str or path of the file; missing folders are created.
        examples: iterable of `Example`, in the order of the page.
        summary: dict with any of these keys:
            `"title"`: str.
            `"questions"`: int, the number of evaluated questions.
            `"accuracy"`: result of `vqa_keras.metrics.accuracy`.
            `"outside"`: percentage of the questions whose answer is outside the
            vocabulary.
            `"baselines"`: dict, name -> percent, or None: the page says that
            there are none.
            `"types"`: rows of
            `vqa_keras.visualization.type_table.type_table`.
            `"history"`: list of dict, the logs of each epoch of the training,
            and `"best_epoch"`: int; the page shows the curves.
            `"grounding"`: dict, name of the attention -> result of
            `vqa_keras.metrics.grounding`.
            `"calibration"`: dict of `"expected_calibration_error"`, percent,
            and `"thresholds"`, result of `vqa_keras.metrics.threshold_table`,
            which becomes a table.
            `"settings"`: dict, name -> value.

    Returns:
        `pathlib.Path` of the file.

    Raises:
        ValueError: if `summary` has another key, or an example cannot be
            drawn.
        UserError: if the file cannot be written.

    Example:
    ```python
    vqa_keras.visualization.write_report(
        "report.html", [example], {"title": "stacked on easy-VQA"}
    )
    ```
    """
    known = {
        "title", "questions", "accuracy", "outside", "baselines", "types",
        "grounding", "calibration", "history", "best_epoch", "settings",
    }  # fmt: skip
    if set(summary) - known:
        raise ValueError(
            f"`summary` must only have the keys {sorted(known)}. Received: "
            f"{sorted(summary)}"
        )
    cards = {False: [], True: [], None: []}
    kinds = set()
    for example in examples:
        kinds.update(types_of(example))
        correct = None if example.correct is None else bool(example.correct)
        cards[correct].append(card(example))
    title = summary.get("title", "Answers and heat maps")
    sections = [
        _section("Incorrect answers", cards[False]),
        _section("Correct answers", cards[True]),
    ]
    if cards[None]:
        sections.append(_section("Answers with unknown result", cards[None]))
    body = (
        f'<header>\n<h1 dir="auto">{escape(title)}</h1>\n'
        f"{_numbers(summary)}\n</header>\n"
        f"<main>\n{filters(kinds)}" + "\n".join(sections) + "\n</main>"
    )
    path = make_folder_of(path)
    write_atomically(path, html_page(title, body, script()))
    return path


def _numbers(summary):
    tiles = []
    accuracy = summary.get("accuracy", {})
    if accuracy:
        questions = summary.get("questions")
        note = f"of {questions:,} questions" if questions else ""
        tiles.append(_tile("Accuracy", accuracy["overall"], note, "lead"))
        for kind, value in accuracy.get("per_answer_type", {}).items():
            tiles.append(_tile(f"Accuracy, {kind}", value, ""))
    if "outside" in summary:
        note = "of the questions: their answer is no class"
        tiles.append(_tile("Outside the vocabulary", summary["outside"], note))
    for name, value in (summary.get("baselines") or {}).items():
        label, note = BASELINES.get(name, (name, ""))
        tiles.append(_tile(f"Baseline, {label}", value, note, "baseline"))
    for name, scores in summary.get("grounding", {}).items():
        note = (
            f"{scores['mass']:.1f} % of the weight on the object, chance "
            f"{scores['chance']:.1f} %"
        )
        label = f"{str(name).replace('_', ' ')}, pointing accuracy"
        tiles.append(_tile(label, scores["pointing_accuracy"], note))
    calibration = summary.get("calibration", {})
    if calibration:
        error = calibration["expected_calibration_error"]
        note = "expected gap of probability and accuracy"
        tiles.append(_tile("Calibration error", error, note))
    rows = "".join(
        f"<div><dt>{escape(name)}</dt>"
        f'<dd dir="auto">{escape(value)}</dd></div>\n'
        for name, value in summary.get("settings", {}).items()
    )
    settings = (
        "<details open>\n<summary>Settings of the run</summary>\n"
        f'<dl class="settings">\n{rows}</dl>\n</details>\n'
    )
    parts = [f'<dl class="tiles">\n{"".join(tiles)}</dl>\n' if tiles else ""]
    if summary.get("baselines", {}) is None:
        parts.append(f'<p class="none">{_NO_BASELINES}</p>\n')
    parts += [
        type_table(summary.get("types", [])),
        _thresholds(calibration.get("thresholds", [])),
        training_curves(summary.get("history", []), summary.get("best_epoch")),
        settings if rows else "",
    ]
    return "".join(parts)


def _thresholds(rows):
    """Renders coverage and accuracy of thresholds as a table."""
    if not rows:
        return ""
    cells = "".join(
        f'<tr><th scope="row">{row["threshold"]:.1f}</th>'
        f"<td>{percent(row['coverage'])}</td>"
        f"<td>{percent(row['accuracy'])}</td></tr>\n"
        for row in rows
    )
    return (
        "<details>\n<summary>Answers of at least a probability</summary>\n"
        '<table class="figures">\n<thead><tr><th scope="col">Threshold</th>'
        '<th scope="col">Questions answered</th>'
        '<th scope="col">Accuracy of these</th></tr></thead>\n'
        f"<tbody>\n{cells}</tbody>\n</table>\n</details>\n"
    )


def _tile(label, value, note, kind="plain"):
    note = f'<dd class="note">{escape(note)}</dd>' if note else ""
    return (
        f'<div class="tile {kind}"><dt>{escape(label)}</dt>'
        f"<dd>{value:.1f}<small> %</small></dd>{note}</div>\n"
    )


def _section(heading, cards):
    body = "\n".join(cards) or '<p class="none">No examples.</p>'
    return (
        f"<section>\n<h2>{heading} <small>{len(cards)} shown</small></h2>\n"
        f'<div class="cards">\n{body}\n</div>\n</section>'
    )
