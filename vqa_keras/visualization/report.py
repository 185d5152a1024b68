"""Writes a static page of right and wrong answers with their heat maps."""

from vqa_keras.files import make_folder_of
from vqa_keras.files import write_atomically
from vqa_keras.visualization.card import card
from vqa_keras.visualization.card import escape
from vqa_keras.visualization.page import html_page


def write_report(path, examples, summary):
    """Writes one HTML file that needs no other file, network or script.

    The page opens with the numbers of `summary`, then shows the wrong and the
    right examples, and those without a verdict if there are any, each as a
    card: question, image, every attention with its largest weight, true answer
    and a bar for each predicted answer. All text is escaped. The file appears
    under its name only when complete.

    Args:
        path: where to write; missing folders are made.
        examples: iterable of `Example`, in the order they are shown.
        summary: dict of what is known about the run; every entry is optional.
            `"title"`: str. `"questions"`: int, how many were evaluated.
            `"accuracy"`: as `vqa_keras.metrics.accuracy` gives.
            `"baselines"`: as `vqa_keras.metrics.baselines` gives.
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
        "title", "questions", "accuracy", "baselines", "grounding", "settings",
    }  # fmt: skip
    if set(summary) - known:
        raise ValueError(
            f"`summary` may hold {sorted(known)}. Received: {sorted(summary)}"
        )
    cards = {False: [], True: [], None: []}
    for example in examples:
        correct = None if example.correct is None else bool(example.correct)
        cards[correct].append(card(example))
    title = summary.get("title", "Answers and heat maps")
    sections = [
        _section("Wrong answers", cards[False]),
        _section("Right answers", cards[True]),
    ]
    if cards[None]:
        sections.append(_section("Answers without a verdict", cards[None]))
    body = (
        f'<header>\n<h1 dir="auto">{escape(title)}</h1>\n'
        f"{_numbers(summary)}\n</header>\n"
        "<main>\n" + "\n".join(sections) + "\n</main>"
    )
    path = make_folder_of(path)
    write_atomically(path, html_page(title, body))
    return path


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
        "majority": ("Baseline, majority", "always the most common answer"),
        "question_only": ("Baseline, question only", "ignores the image"),
    }
    for name, percent in summary.get("baselines", {}).items():
        label, note = notes.get(name, (f"Baseline, {name}", ""))
        tiles.append(_tile(label, percent, note, "baseline"))
    for name, scores in summary.get("grounding", {}).items():
        note = (
            f"{scores['mass']:.1f}% of weight, chance {scores['chance']:.1f}%"
        )
        label = f"{str(name).replace('_', ' ')}, pointing accuracy"
        tiles.append(_tile(label, scores["pointing_accuracy"], note))
    rows = "".join(
        f"<div><dt>{escape(name)}</dt>"
        f'<dd dir="auto">{escape(value)}</dd></div>\n'
        for name, value in summary.get("settings", {}).items()
    )
    settings = (
        "<details open>\n<summary>Settings of the run</summary>\n"
        f'<dl class="settings">\n{rows}</dl>\n</details>\n'
    )
    tiles = f'<dl class="tiles">\n{"".join(tiles)}</dl>\n' if tiles else ""
    return tiles + (settings if rows else "")


def _tile(label, percent, note, kind="plain"):
    note = f'<dd class="note">{escape(note)}</dd>' if note else ""
    return (
        f'<div class="tile {kind}"><dt>{escape(label)}</dt>'
        f"<dd>{percent:.1f}<small> %</small></dd>{note}</div>\n"
    )


def _section(heading, cards):
    body = "\n".join(cards) or '<p class="none">None among the examples.</p>'
    return (
        f"<section>\n<h2>{heading} <small>{len(cards)} shown</small></h2>\n"
        f'<div class="cards">\n{body}\n</div>\n</section>'
    )
