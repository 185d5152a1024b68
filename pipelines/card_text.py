"""Formats a data card as text."""

_DISTRIBUTIONS = (
    ("question_types", "Question types"),
    ("answer_types", "Answer types"),
    ("answers", "Answers"),
)
_NUMBER = 12  # columns of a number
_RARE = "rare"


def card_text(card, directory, width=80):
    """Returns a data card as text.

    Args:
        card: dict from `pipelines.data_card.data_card`.
        directory: str or path, shown as the name of the records.
        width: int, length of a line at which names are truncated. Defaults to
            80.

    Returns:
        str of several lines.
    """
    splits = card["splits"]
    lines = [
        f"{card['dataset']}: {directory}",
        f"images {'stored' if card['stored_images'] else 'not stored'}, "
        f"vocabularies of {card['question_vocabulary']:,} words and "
        f"{card['answer_vocabulary']:,} answers",
        f"sequence length {card['sequence_length']} words",
        "",
    ]
    table = [("", list(splits))]
    table += [
        (title, [show(figures) for figures in splits.values()])
        for title, show in _ROWS
    ]
    lines += _table(table, width)
    for key, title in _DISTRIBUTIONS:
        lines += ["", *_table(distribution(splits, key, title), width)]
    lines += ["", *_features(card, width)]
    lines += ["", *_dropped(card)]
    return "\n".join(line.rstrip() for line in lines)


def _count(name):
    return lambda figures: f"{figures[name]:,}"


def _percentage(name):
    return lambda figures: _percent(figures[name])


def _question_length(figures):
    words = figures["question_words"]
    if words is None:
        return "-"
    return "/".join(str(words[name]) for name in ("min", "median", "p95"))


def _of_question_length(name, show):
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
    ("size in MB", lambda figures: f"{figures['bytes'] / 1e6:,.1f}"),
    ("words per question: min/median/p95", _question_length),
    ("  max", _of_question_length("max", str)),
    ("  questions cut", _of_question_length("cut", _percent)),
    ("in the answer vocabulary", lambda figures: ""),
    ("  questions", _percentage("in_vocabulary")),
    ("  annotators' answers", _percentage("annotator_answers")),
    ("accuracy of baselines", lambda figures: ""),
    ("  majority", _baseline("majority")),
    ("  same question", _baseline("same_question")),
)


def distribution(splits, key, title):
    """Returns rows of the most frequent values of the first nonempty split."""
    first = next((s for s in splits.values() if s[key]["distinct"]), None)
    if first is None:
        return [(f"{title}: none", [])]
    shown = [value for value, _ in first[key]["top"]]
    counts = [dict(figures[key]["top"]) for figures in splits.values()]
    totals = [
        figures["labeled" if key == "answers" else "questions"]
        for figures in splits.values()
    ]
    rows = [(title, list(splits))]
    for value in shown:
        cells = [
            _frequency(count.get(value, 0), total)
            for count, total in zip(counts, totals, strict=True)
        ]
        rows.append((f"  {value or '(none)'}", cells))
    more = [
        figures[key]["distinct"] - sum(value in count for value in shown)
        for figures, count in zip(splits.values(), counts, strict=True)
    ]
    if any(more):
        rows.append(("  other distinct values", [f"{n:,}" for n in more]))
    if any(_RARE in cells for _, cells in rows[1:]):
        rows.append((f"  {_RARE}: below 0.01 %, not 0", []))
    return rows


def _frequency(count, total):
    percent = 100 * count / total if total else None
    return _RARE if count and percent < 0.01 else _percent(percent)


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
            ("min", "min", _number),
            ("max", "max", _number),
            ("zeros", "zeros", _percent),
            ("norm", "mean L2 norm per cell", _number),
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
        return ["Dropped: none"]
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
    """Returns the lines of a table: a title, then right-aligned cells."""
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
