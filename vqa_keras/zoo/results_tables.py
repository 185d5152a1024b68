"""The pages of the zoo that hold the results of its entries.

A folder of entries with one card for all of them, such as `sort_of_clevr`, is a
group. Its table has a column for each type of question, and the baselines stand
in that table, since they differ by type.
"""

from vqa_keras import zoo
from vqa_keras.errors import UserError
from vqa_keras.runs.results import RESULTS
from vqa_keras.runs.results import read_published
from vqa_keras.zoo import table_cells

BEGIN, END = "<!-- results -->\n", "<!-- end of results -->\n"
DATASETS = {"easy_vqa": "easy-VQA"}
ANSWER_TYPES = ("yes/no", "number", "other")  # in the order of the papers

_ZOO = """\
# The zoo

Every entry is a folder: `recipe.toml`, all values that building and training
need; `README.md`, the card; `results.json`, the results, as the train command
writes them.

    python -m vqa_keras.zoo.build ENTRY
    python -m vqa_keras.zoo.train ENTRY --data=records --output=runs/ENTRY

`cnn_layer` and `dense_symmetric` take several layers of a CNN: write their
records with `--levels=relu_2,relu_4`.

{measured}

An image of easy-VQA shows one shape, and without any attention `vanilla`
answers nearly all questions. Accuracy here shows that an entry works; it does
not rank the mechanisms. `question_only` is no mechanism but a baseline.

The recipes are small models for two CPU cores, not of the papers' sizes.
Accuracy, grounding and training time are means over the seeds. Parameters are
counted with the CNN; FLOPs, the floating point operations that answer one
question, without it. {devices}

{table}

`python -m vqa_keras.zoo.tables` writes this page.
"""
_CARD = """\
{measured}

{table}

{size}

{commands}
"""
_GROUP = """\
{measured}

{table}

Accuracy, grounding (pointing accuracy: the percentage of questions whose heat
map has its largest weight on an object that the answer depends on) and
training time are means over the seeds. {devices}

{commands}
"""
_UNTRAINED = """\
None yet. This command adds one:

    python -m vqa_keras.zoo.train {entry} --data=records \\
        --output=runs/{entry} --publish
"""
_NONE_TRAINED = "No entry has been trained yet."


def pages():
    """Returns the text of every page with results, by path.

    Raises:
        UserError: if a card or a results.json is unusable, with what it must
            hold.
    """
    folder = zoo.entries()
    results = _read(folder, zoo.names())
    pages = {folder / "README.md": zoo_page(results)}
    for name, runs in results.items():
        path = folder / name / "README.md"
        pages[path] = _filled(path, card_results(name, runs))
    for path in sorted(folder.glob("*/README.md")):
        group = path.parent
        if not (group / "recipe.toml").exists():
            members = sorted(m.parent.name for m in group.glob("*/recipe.toml"))
            results = _read(folder, [f"{group.name}/{m}" for m in members])
            pages[path] = _filled(path, group_results(results))
    return pages


def zoo_page(results):
    """Returns the page of the zoo.

    Args:
        results: dict from the name of every entry to its list of `RunResults`.
    """
    runs = sum(results.values(), [])
    header = ["entry", "mechanism", "parameters", "FLOPs per question"]
    header += ["training", "accuracy", "seeds"]
    header += ["grounding: pointing accuracy, mass"]
    return _ZOO.format(
        measured=_measured(runs) if runs else _NONE_TRAINED,
        devices=table_cells.trained_on(runs),
        table=table_cells.table(
            header, [_entry_row(*item) for item in results.items()]
        ),
    )


def card_results(entry, runs):
    """Returns the results of an entry's card, from its list of `RunResults`."""
    if not runs:
        return _UNTRAINED.format(entry=entry)
    kinds = {k for r in runs for k in r.evaluation.accuracy.per_answer_type}
    kinds = [k for k in ANSWER_TYPES if k in kinds] + sorted(
        kinds - set(ANSWER_TYPES)
    )
    maps = table_cells.maps(runs)
    header = ["seed", "accuracy", *kinds]
    header += [
        f"{table_cells.title(name)}: pointing accuracy, mass" for name in maps
    ]
    rows = []
    for run in runs:
        accuracy = run.evaluation.accuracy
        row = [str(run.seed), table_cells.percent([accuracy.overall])]
        row += [
            table_cells.percent([accuracy.per_answer_type.get(k)])
            for k in kinds
        ]
        row += [table_cells.grounding([run], name) for name in maps]
        rows.append([*row, table_cells.seconds([run])])
    flops = table_cells.distinct(run.flops_per_question for run in runs)
    size = table_cells.distinct(run.parameters for run in runs)
    size += " parameters with the CNN"
    if flops:
        size += f", {flops} floating point operations per question without it"
    size += f". {table_cells.trained_on(runs)} Versions and history of the "
    size += "training: [results.json](results.json)."
    return _CARD.format(
        measured=_measured(runs),
        table=table_cells.table([*header, "training"], rows),
        size=table_cells.wrapped(size),
        commands=table_cells.commands(runs),
    )


def group_results(results):
    """Returns the results of a group's card; `results` as in `zoo_page`."""
    runs = sum(results.values(), [])
    if not runs:
        return _NONE_TRAINED
    test = runs[0].evaluation
    of_type = test.baselines and test.baselines.per_question_type or {}
    types, maps = sorted(of_type), table_cells.maps(runs)
    header = ["entry", "mechanism", "parameters", "seeds", "training", *types]
    header += [f"pointing accuracy, {kind}" for kind in types]
    rows = [_member_row(*item, types) for item in results.items()]
    majority = [table_cells.percent([of_type[kind].majority]) for kind in types]
    same = [
        table_cells.percent([of_type[kind].same_question]) for kind in types
    ]
    rows.append(["*majority answer*", *[""] * 4, *majority])
    rows.append([f"*{table_cells.SAME_QUESTION}*", *[""] * 4, *same])
    chances = [
        table_cells.percent(
            g.chance
            for name in maps
            for g in table_cells.of_type(runs, name, kind)
        )
        for kind in types
    ]
    rows.append(["*chance*", *[""] * (4 + len(types)), *chances])
    return _GROUP.format(
        measured=(
            f"{test.split.capitalize()} split: {test.questions:,} questions "
            f"about {test.images:,} images."
        ),
        table=table_cells.table(header, rows),
        devices=table_cells.trained_on(runs),
        commands=table_cells.commands(runs),
    )


def _read(folder, names):
    """Returns the runs of entries, by name, all evaluated on one split."""
    results, tests = {}, set()
    for name in names:
        path = folder / name / RESULTS
        results[name] = read_published(path) if path.is_file() else []
        for run in results[name]:
            if run.evaluation is None:
                raise UserError(
                    f"{path} must hold runs with a split that they are "
                    "evaluated on. Received: one without"
                )
            test = run.evaluation
            tests.add((run.dataset, test.split, test.questions, test.images))
    if len(tests) > 1:
        raise UserError(
            "The results of one table must be on the same questions. Received: "
            + "; ".join(" ".join(map(str, test)) for test in sorted(tests))
        )
    return results


def _filled(path, results):
    """The text of a card with its results in place."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if text.count(BEGIN) != 1 or END not in text[text.index(BEGIN) :]:
        raise UserError(
            f"{path} must be a card with the lines {BEGIN.strip()} and, after "
            f"it, {END.strip()}. Received: a file without them"
        )
    before, rest = text.split(BEGIN)
    _, after = rest.split(END, 1)
    return f"{before}{BEGIN}\n{results}\n{END}{after}"


def _entry_row(name, runs):
    recipe = zoo.load_recipe(name)
    mechanism = recipe.get("mechanism") or recipe["source"]
    row = [f"[{name}]({name}/README.md)", mechanism]
    if not runs:
        return [*row, "", "", "", "not trained yet", "", ""]
    flops = [f for run in runs if (f := run.flops_per_question)]
    return [
        *row,
        table_cells.distinct(run.parameters for run in runs),
        f"{max(flops) / 1e6:.2f} M" if flops else "not counted",
        table_cells.seconds(runs),
        table_cells.percent(run.evaluation.accuracy.overall for run in runs),
        table_cells.seeds(runs),
        "; ".join(
            f"{table_cells.title(name)}: {table_cells.grounding(runs, name)}"
            for name in table_cells.maps(runs)
        ),
    ]


def _member_row(name, runs, types):
    """The row of an entry in the table of its group."""
    recipe, member = zoo.load_recipe(name), name.split("/")[1]
    row = [f"[{member}]({member}/recipe.toml)", recipe["mechanism"]]
    if not runs:
        return [*row, "", "", "not trained yet"]
    row += [
        table_cells.distinct(run.parameters for run in runs),
        table_cells.seeds(runs),
    ]
    row.append(table_cells.seconds(runs))
    accuracy = [r.evaluation.accuracy.per_question_type or {} for r in runs]
    maps = table_cells.maps(runs)
    row += [
        table_cells.percent(found.get(kind) for found in accuracy)
        for kind in types
    ]
    for kind in types:
        found = {name: table_cells.of_type(runs, name, kind) for name in maps}
        row.append(
            "; ".join(
                f"{table_cells.title(name)}: "
                + table_cells.percent(g.pointing_accuracy for g in found[name])
                for name in maps
            )
        )
    return row


def _measured(runs):
    """The questions of a table, their baselines and the chance of grounding."""
    test, dataset = runs[0].evaluation, runs[0].dataset
    text = (
        f"{DATASETS.get(dataset, dataset)}, {test.split} split: "
        f"{test.questions:,} questions about {test.images:,} images outside "
        f"the training split. {table_cells.baselines(test.baselines)}"
    )
    chances = {
        table_cells.percent([found.chance], 1)
        for run in runs
        for found in run.evaluation.grounding.values()
    }
    if chances:
        text += (
            " Grounding: pointing accuracy, the percentage of questions whose "
            "heat map has its largest weight on the shape, and mass, the "
            "percentage of its weight that lies there; chance, the percentage "
            "of cells that the shape touches, is "
            f"{' or '.join(sorted(chances))}."
        )
    return table_cells.wrapped(text)
