"""The page of entries that share a data set, by type of question.

`zoo/sort_of_clevr/` is such a group: a folder of entries with one card for all
of them. Its table has a column for each type of question, and the
baselines stand in the same table, since they differ by type.
"""

import statistics

from vqa_keras import zoo

_PAGE = """\
{measured}

{table}

Accuracy, grounding (pointing accuracy: the percentage of questions whose heat
map has its largest weight on an object that the answer depends on) and
training time are means over the seeds. {devices}

{commands}
"""


def groups(folder):
    """Returns the names of the groups of the zoo: folders with a card only.

    Args:
        folder: `pathlib.Path` of the zoo.
    """
    return sorted(
        path.parent.name
        for path in folder.glob("*/README.md")
        if not (path.parent / "recipe.toml").exists()
    )


def entries(folder, group):
    """Returns the entries of a group, such as `"sort_of_clevr/stacked"`."""
    return sorted(
        f"{group}/{path.parent.name}"
        for path in (folder / group).glob("*/recipe.toml")
    )


def group_results(results):
    """Returns what the page of a group says between its two lines.

    Args:
        results: dict from the name of every entry to its list of runs.
    """
    runs = sum(results.values(), [])
    if not runs:
        return "No entry has been trained yet."
    first = runs[0]
    types = sorted(first["baselines"]["per_question_type"])
    header = ["entry", "mechanism", "parameters", "seeds", "training"]
    header += [*types, *(f"pointing accuracy, {kind}" for kind in types)]
    rows = [_row(name, found, types) for name, found in results.items()]
    for baseline, name in (
        ("majority", "*majority answer*"),
        ("question_only", "*best question-only answer*"),
    ):
        by_type = first["baselines"]["per_question_type"]
        accuracy = [_percent(by_type[kind][baseline]) for kind in types]
        rows.append([name, "", "", "", "", *accuracy, *[""] * len(types)])
    rows.append(["*chance*", *[""] * (4 + len(types)), *_chances(runs, types)])
    lines = [f"| {' | '.join(row)} |" for row in [header, *rows]]
    lines.insert(1, "|" + "---|" * len(header))
    devices = sorted({run["device"] for run in runs})
    return _PAGE.format(
        measured=(
            f"{first['split'].capitalize()} split: {first['questions']:,} "
            f"questions about {first['images']:,} images."
        ),
        table="\n".join(lines),
        devices=f"Trained on {'; '.join(devices)}.",
        commands="\n".join(f"    {run['command']}" for run in runs),
    )


def _row(name, runs, types):
    recipe = zoo.load_recipe(name)
    link = f"[{name.split('/')[1]}]({name.split('/')[1]}/recipe.toml)"
    row = [link, recipe["mechanism"]]
    if not runs:
        return [*row, "", "", "not trained yet", *[""] * (2 * len(types))]
    seconds = statistics.mean(run["fit_seconds"] for run in runs)
    row += [
        f"{runs[0]['parameters']:,}",
        ", ".join(str(run["seed"]) for run in runs),
        f"{seconds:.0f} s",
    ]
    for kind in types:
        row.append(
            _mean(run["accuracy"]["per_question_type"][kind] for run in runs)
        )
    for kind in types:
        row.append(
            "; ".join(
                f"{attention.replace('_', ' ')}: "
                + _mean(
                    run["grounding"][attention]["per_question_type"][kind][
                        "pointing_accuracy"
                    ]
                    for run in runs
                )
                for attention in runs[0]["grounding"]
            )
        )
    return row


def _chances(runs, types):
    for run in runs:
        for found in run["grounding"].values():
            by_type = found["per_question_type"]
            return [_percent(by_type[kind]["chance"]) for kind in types]
    return [""] * len(types)


def _mean(values):
    return _percent(statistics.mean(values))


def _percent(value):
    return f"{value:.2f} %"
