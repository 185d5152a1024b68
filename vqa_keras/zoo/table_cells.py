"""Cells and parts of the pages of results; `runs` is a list of `RunResults`."""

import statistics
import textwrap

SAME_QUESTION = "most frequent answer of the same question"


def baselines(found):
    """Returns a sentence of `Baselines`, or of their absence."""
    if found is None:
        return "No baselines: the records have no training split."
    return (
        f"Baselines: the majority answer {percent([found.majority])}, the "
        f"{SAME_QUESTION} {percent([found.same_question])}."
    )


def maps(runs):
    """Returns the names of all attention that has grounding, in order."""
    names = (name for run in runs for name in run.evaluation.grounding)
    return list(dict.fromkeys(names))


def grounding(runs, name):
    """Returns pointing accuracy and mass of an attention, means over runs."""
    found = [run.evaluation.grounding.get(name) for run in runs]
    found = [of_run for of_run in found if of_run]
    if not found:
        return ""
    pointing = percent((of_run.pointing_accuracy for of_run in found), 1)
    return f"{pointing}, {percent((of_run.mass for of_run in found), 1)}"


def of_type(runs, name, question_type):
    """Returns an attention's grounding on questions of a type, per run."""
    found = [run.evaluation.grounding.get(name) for run in runs]
    by_type = [of_run.per_question_type or {} for of_run in found if of_run]
    return [types[question_type] for types in by_type if question_type in types]


def percent(values, digits=2):
    """Returns the mean of the values that are not None, "" if all are."""
    known = [value for value in values if value is not None]
    return f"{statistics.mean(known):.{digits}f} %" if known else ""


def seconds(runs):
    """Returns the mean time of training."""
    return f"{statistics.mean(r.training.fit_seconds for r in runs):.0f} s"


def seeds(runs):
    """Returns the seeds of runs."""
    return ", ".join(str(run.seed) for run in runs)


def trained_on(runs):
    """Returns a sentence that names the devices of runs."""
    devices = sorted({run.provenance.device for run in runs})
    return f"Trained on {'; '.join(devices)}." if devices else ""


def commands(runs):
    """Returns the commands of runs as lines of code."""
    return "\n".join(f"    {run.provenance.command}" for run in runs)


def distinct(counts):
    """Returns the count that all runs share, or every count that occurs."""
    known = sorted({count for count in counts if count})
    return " or ".join(f"{count:,}" for count in known)


def title(name):
    """Returns the name of an attention as text."""
    return name.replace("_", " ")


def table(header, rows):
    """Returns a table in Markdown; a shorter row ends with empty cells."""
    rows = [[*row, *[""] * (len(header) - len(row))] for row in rows]
    lines = [f"| {' | '.join(row)} |" for row in [header, *rows]]
    lines.insert(1, "|" + "---|" * len(header))
    return "\n".join(lines)


def wrapped(text):
    """Returns text in lines of at most 80 characters."""
    return textwrap.fill(
        text, 80, break_long_words=False, break_on_hyphens=False
    )
