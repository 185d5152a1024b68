"""The pages of the zoo that tell what its entries reached."""

import json
import statistics
import textwrap

from vqa_keras import zoo
from vqa_keras.errors import UserError
from vqa_keras.runs.run import RESULTS
from vqa_keras.zoo import group_tables

BEGIN, END = "<!-- results -->\n", "<!-- end of results -->\n"
DATASETS = {"easy_vqa": "easy-VQA"}
ANSWER_TYPES = ("yes/no", "number", "other")  # in the order of the papers

_ZOO = """\
# The zoo

Every entry is a folder: `recipe.toml`, all values that building and training
need; `README.md`, the card; `results.json`, what training reached, as the train
command wrote it.

    python -m vqa_keras.zoo.build ENTRY
    python -m vqa_keras.zoo.train ENTRY --data=records --output=runs/ENTRY

`cnn_layer` and `dense_symmetric` see several layers of a CNN: their records are
written with `--levels=relu_2,relu_4`.

{measured}

An image of easy-VQA shows one shape, and without any attention `vanilla`
answers nearly all questions. Accuracy here says that an entry works; it does
not rank the mechanisms.

The recipes are small models for two CPU cores, not of the papers' sizes.
Accuracy, grounding and training time are means over the seeds. Parameters are
counted with the CNN; FLOPs, the floating point operations that answer one
question, without it. {devices}

{table}

This page is written by `python -m vqa_keras.zoo.tables`.
"""
_CARD = """\
{measured}

{table}

{size}

{commands}
"""
_UNTRAINED = """\
None yet. This command enters it:

    python -m vqa_keras.zoo.train {entry} --data=records \\
        --output=runs/{entry} --publish
"""


def pages():
    """Returns the text of every page with results, by path.

    Raises:
        UserError: if a card or a results.json cannot be used, with what is
            needed.
    """
    folder = zoo.entries()
    results = {name: _read(folder / name) for name in zoo.names()}
    _check_same_test(sum(results.values(), []))
    pages = {folder / "README.md": zoo_page(results)}
    for name, runs in results.items():
        path = folder / name / "README.md"
        pages[path] = _filled(path, card_results(name, runs))
    for group in group_tables.groups(folder):
        members = group_tables.entries(folder, group)
        results = {name: _read(folder / name) for name in members}
        _check_same_test(sum(results.values(), []))
        path = folder / group / "README.md"
        pages[path] = _filled(path, group_tables.group_results(results))
    return pages


def zoo_page(results):
    """Returns the page of the zoo.

    Args:
        results: dict from the name of every entry to its list of runs.
    """
    all_runs = sum(results.values(), [])
    header = ["entry", "mechanism", "parameters", "FLOPs per question"]
    header += [
        "training",
        "accuracy",
        "seeds",
        "grounding: pointing accuracy, mass",
    ]
    rows = [_entry_row(name, runs) for name, runs in results.items()]
    return _ZOO.format(
        measured=_measured(all_runs) or "No entry has been trained yet.",
        devices=_trained_on(all_runs),
        table=_table(header, rows),
    )


def card_results(entry, runs):
    """Returns what a card says between its two lines."""
    if not runs:
        return _UNTRAINED.format(entry=entry)
    kinds = {kind for r in runs for kind in r["accuracy"]["per_answer_type"]}
    kinds = [k for k in ANSWER_TYPES if k in kinds] + sorted(
        kinds - set(ANSWER_TYPES)
    )
    maps = _maps(runs)
    header = ["seed", "accuracy", *kinds]
    header += [f"{_title(name)}: pointing accuracy, mass" for name in maps] + [
        "training"
    ]
    rows = []
    for run in runs:
        accuracy = run["accuracy"]
        row = [run["seed"], _percent(accuracy["overall"], 2)]
        row += [
            _percent(accuracy["per_answer_type"].get(kind), 2) for kind in kinds
        ]
        row += [_grounding([run], name) for name in maps]
        rows.append([*row, f"{run['fit_seconds']:.0f} s"])
    flops = _distinct(runs, "flops_per_question")
    size = f"{_distinct(runs, 'parameters')} parameters with the CNN"
    if flops:
        size += f", {flops} floating point operations per question without it"
    size += f". {_trained_on(runs)} Versions and history of the training: "
    commands = "\n".join(f"    {run['command']}" for run in runs)
    return _CARD.format(
        measured=_measured(runs),
        table=_table(header, rows),
        size=_wrapped(size + "[results.json](results.json)."),
        commands=commands,
    )


def _read(folder):
    path = folder / RESULTS
    if not path.is_file():
        return []
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise UserError(f"{path} cannot be read: {error}") from error


def _filled(path, results):
    """The text of a card with its results in place."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if text.count(BEGIN) != 1 or END not in text[text.index(BEGIN) :]:
        raise UserError(
            f"{path}: needed a card with the lines {BEGIN.strip()} and, after "
            f"it, {END.strip()}. Received: a file without them"
        )
    before, rest = text.split(BEGIN)
    _, after = rest.split(END, 1)
    return f"{before}{BEGIN}\n{results}\n{END}{after}"


def _check_same_test(all_runs):
    """Raises UserError unless the results can stand in one table."""
    tests = {
        tuple(run[key] for key in ("dataset", "split", "questions", "images"))
        for run in all_runs
    }
    if len(tests) > 1:
        raise UserError(
            "needed results on the same questions for one table. Received: "
            + "; ".join(" ".join(map(str, test)) for test in sorted(tests))
        )


def _entry_row(name, runs):
    recipe = zoo.load_recipe(name)
    mechanism = recipe.get("mechanism") or recipe["source"]
    row = [f"[{name}]({name}/README.md)", mechanism]
    if not runs:
        return [*row, "", "", "", "not trained yet", "", ""]
    flops = [f for run in runs if (f := run.get("flops_per_question"))]
    accuracy = statistics.mean(run["accuracy"]["overall"] for run in runs)
    seconds = statistics.mean(run["fit_seconds"] for run in runs)
    return [
        *row,
        _distinct(runs, "parameters"),
        f"{max(flops) / 1e6:.2f} M" if flops else "not counted",
        f"{seconds:.0f} s",
        _percent(accuracy, 2),
        ", ".join(str(run["seed"]) for run in runs),
        "; ".join(
            f"{_title(name)}: {_grounding(runs, name)}" for name in _maps(runs)
        ),
    ]


def _measured(runs):
    """What was measured, and what an answer without looking reaches."""
    if not runs:
        return ""
    run = runs[0]
    dataset = DATASETS.get(run["dataset"], run["dataset"])
    majority = _percent(run["baselines"]["majority"], 2)
    question_only = _percent(run["baselines"]["question_only"], 2)
    text = (
        f"{dataset}, {run['split']} split: {run['questions']:,} questions "
        f"about {run['images']:,} images that training never saw. "
        f"Baselines: the majority answer {majority}, the best question-only "
        f"answer {question_only}."
    )
    chances = {
        _percent(found["chance"], 1)
        for run in runs
        for found in run["grounding"].values()
    }
    if chances:
        text += (
            " Grounding: pointing accuracy, the percentage of questions whose "
            "heat map has its largest weight on the shape, and mass, the "
            "percentage of its weight that lies there; chance, the percentage "
            "of cells that the shape touches, is "
            f"{' or '.join(sorted(chances))}."
        )
    return _wrapped(text)


def _trained_on(runs):
    devices = sorted({run["device"] for run in runs})
    return f"Trained on {'; '.join(devices)}." if devices else ""


def _maps(runs):
    """The names of all attention that has grounding, in order."""
    return list(dict.fromkeys(name for r in runs for name in r["grounding"]))


def _grounding(runs, name):
    found = [r["grounding"][name] for r in runs if name in r["grounding"]]
    if not found:
        return ""
    return ", ".join(
        _percent(statistics.mean(f[key] for f in found), 1)
        for key in ("pointing_accuracy", "mass")
    )


def _title(name):
    return name.replace("_", " ")


def _percent(value, digits):
    return "" if value is None else f"{value:.{digits}f} %"


def _distinct(runs, key):
    """A count that all runs share, or every count that occurs."""
    counts = sorted({run[key] for run in runs if run.get(key)})
    return " or ".join(f"{count:,}" for count in counts)


def _table(header, rows):
    lines = [f"| {' | '.join(map(str, row))} |" for row in [header, *rows]]
    lines.insert(1, "|" + "---|" * len(header))
    return "\n".join(lines)


def _wrapped(text):
    return textwrap.fill(
        text, 80, break_long_words=False, break_on_hyphens=False
    )
