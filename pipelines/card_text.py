"""Prints the figures of a data card for people."""

_DISTRIBUTIONS = (
    ("question_types", "Questions by type"),
    ("answer_types", "Questions by type of answer"),
    ("answers", "Answers"),
)
_NUMBER = 12  # columns of a number


def card_text(card, directory, width=80):
    """Returns a data card as text.

    Args:
        card: dict of `pipelines.data_card.data_card`.
        directory: what to call the records.
        width: int, the longest line where names are cut to fit.

    Returns:
        str of several lines.
    """
    splits = card["splits"]
    lines = [
        f"{card['dataset']}: {directory}",
        f"images {'stored' if card['stored_images'] else 'not stored'}, "
        f"{card['question_vocabulary']:,} words (of a question the first "
        f"{card['sequence_length']}), {card['answer_vocabulary']:,} answers",
        "",
    ]
    table = [("", list(splits))]
    table += [
        (title, [show(figures) for figures in splits.values()])
        for title, show in _ROWS
    ]
    lines += _table(table, width)
    for key, title in _DISTRIBUTIONS:
        lines += ["", *_table(_distribution(splits, key, title), width)]
    lines += ["", *_features(card, width)]
    lines += ["", *_dropped(card)]
    return "\n".join(line.rstrip() for line in lines)


def _count(name):
    return lambda figures: f"{figures[name]:,}"


def _fraction(name):
    return lambda figures: _percent(figures[name])


def _words(figures):
    words = figures["question_words"]
    if words is None:
        return "-"
    return "/".join(str(words[name]) for name in ("min", "median", "p95"))


def _of_words(name, show):
    return lambda figures: (
        show(figures["question_words"][name])
        if figures["question_words"]
        else "-"
    )


def _baseline(name):
    return lambda figures: (
        _percent(figures["baselines"][name]) if figures["baselines"] else "-"
    )


def _percent(value):
    return "-" if value is None else f"{value:.2f} %"


_ROWS = (
    ("images", _count("images")),
    ("questions", _count("questions")),
    ("  with an answer", _count("labeled")),
    ("shards", _count("shards")),
    ("megabytes", lambda figures: f"{figures['bytes'] / 1e6:,.1f}"),
    ("words of a question: least/median/95 %", _words),
    ("  most", _of_words("max", str)),
    ("  questions that are cut", _of_words("cut", _percent)),
    ("covered by the answer vocabulary", lambda figures: ""),
    ("  questions", _fraction("in_vocabulary")),
    ("  annotators' answers", _fraction("annotator_answers")),
    ("right without the image", lambda figures: ""),
    ("  most common answer of train", _baseline("majority")),
    ("  most common answer to the question", _baseline("question_only")),
)


def _distribution(splits, key, title):
    """Rows of the values that are frequent in the first split that has any."""
    first = next((s for s in splits.values() if s[key]["distinct"]), None)
    if first is None:
        return [(f"{title}: none", [])]
    shown = [value for value, _ in first[key]["top"]]
    rows = [(title, list(splits))]
    for value in shown:
        cells = []
        for figures in splits.values():
            counts = dict(figures[key]["top"])
            whole = figures["labeled" if key == "answers" else "questions"]
            share = 100 * counts.get(value, 0) / whole if whole else None
            # A value that is no longer among the top is rare, not absent.
            missing = value not in counts and figures[key]["distinct"] > len(
                counts
            )
            cells.append("rare" if missing else _percent(share))
        rows.append((f"  {value or '(none given)'}", cells))
    more = [max(0, s[key]["distinct"] - len(shown)) for s in splits.values()]
    if any(more):
        rows.append(("  others, distinct", [f"{n:,}" for n in more]))
    return rows


def _features(card, width):
    if not card["features"] or not card["feature_source"]:
        return ["Features: none"]
    source = card["feature_source"]
    lines = [f"Features of {source['name']}"]
    if source["image_size"]:
        height, side = source["image_size"]
        lines[0] += f", images of {height} x {side}"
    if source["weights"]:
        lines[0] += f", weights {source['weights']}"
    lines.append(f"  sha256 {source['weights_sha256']}")
    names = list(card["features"])
    levels = [card["features"][name] for name in names]
    rows = [("", names)]
    rows += [
        (
            f"  {title}",
            [show(level[key]) if key in level else "-" for level in levels],
        )
        for key, title, show in (
            ("images", "images measured", str),
            ("shape", "shape", _shape),
            ("mean", "mean", _number),
            ("std", "standard deviation", _number),
            ("min", "least", _number),
            ("max", "largest", _number),
            ("zeros", "zeros", _percent),
            ("norm", "mean norm of a cell", _number),
        )
    ]
    return lines + _table(rows, width)


def _number(value):
    return f"{value:.4g}"


def _shape(shape):
    return "x".join(
        f"{size[0]}..{size[1]}" if isinstance(size, list) else str(size)
        for size in shape
    )


def _dropped(card):
    if not card["dropped"]:
        return ["Dropped: nothing"]
    lines = [
        "Dropped"
        + (
            f", listed in {card['dropped_file']}"
            if card["dropped_file"]
            else ""
        )
    ]
    return lines + [
        f"  {reason:32}{count:>{_NUMBER},}"
        for reason, count in sorted(card["dropped"].items())
    ]


def _table(rows, width):
    """Lines of a table: a title, then cells aligned to the right."""
    columns = max(len(cells) for _, cells in rows)
    number = max(
        [_NUMBER, *(len(cell) + 2 for _, cells in rows for cell in cells)]
    )
    first = max(24, min(40, width - columns * number))
    lines = []
    for title, cells in rows:
        title = title if len(title) <= first else f"{title[: first - 3]}..."
        cells = "".join(f"{cell:>{number}}" for cell in cells)
        lines.append(f"{title:{first}}{cells}")
    return lines
