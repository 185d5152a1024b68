"""Prints the figures of an evaluation."""

from collections.abc import Iterable
from collections.abc import Mapping

from vqa_keras.runs.figures import Evaluation
from vqa_keras.runs.figures import TypeBaselines
from vqa_keras.runs.figures import TypeGrounding
from vqa_keras.runs.kept_epoch import was_chosen_on
from vqa_keras.runs.results import Training

MANY_TYPES = 12  # more question types than this are not printed
# The baselines, by their name in results.json.
BASELINES = {
    "majority": "majority",
    "same_question": "most frequent answer of the same question",
    "question_only": "question_only",
}
NO_BASELINES = "no baselines: the records have no training split"


def print_evaluation(
    evaluation: Evaluation, trained: Training | None = None
) -> None:
    """Prints the figures, baselines beside accuracy.

    Args:
        evaluation: `Evaluation`.
        trained: `Training` of the run; a line then says if its epoch was chosen
            on the split. Defaults to None.
    """
    accuracy, baselines = evaluation.accuracy, evaluation.baselines
    print(
        f"accuracy     {accuracy.overall:.2f} % of {evaluation.questions:,} "
        f"{evaluation.split} questions"
    )
    if trained is not None and was_chosen_on(trained, evaluation.split):
        print(
            "chosen       the kept epoch is the best on this split: the "
            "figures are too good"
        )
    if evaluation.outside is not None:
        print(
            f"outside      {evaluation.outside.overall:.2f} % of the questions "
            "have an answer that is no class"
        )
    print(
        NO_BASELINES
        if baselines is None
        else f"baselines    {describe_baselines(baselines)}"
    )
    types = {"answer type": accuracy.per_answer_type}
    of_questions = accuracy.per_question_type or {}
    if 1 < len(of_questions) <= MANY_TYPES:
        types["question type"] = of_questions
    for title, found in types.items():
        _print_types(evaluation, title, found)
    if evaluation.vqa_accuracy is not None:
        overall = evaluation.vqa_accuracy.overall
        print(f"vqa accuracy {overall:.2f} % (official, all annotators)")
        print(f"{'answer type':16} vqa accuracy")
        for kind, value in evaluation.vqa_accuracy.per_answer_type.items():
            print(f"  {kind:14} {_percent(value):>12}")
    for name, found in evaluation.grounding.items():
        print(f"grounding    {name}: {_on_object(found)}")
        for kind, of_kind in (found.per_question_type or {}).items():
            print(f"  {kind}: {_on_object(of_kind)}")


def describe_baselines(baselines: TypeBaselines) -> str:
    """Returns the names and figures of baselines in one line."""
    return ", ".join(
        f"{BASELINES[name]} {_percent(getattr(baselines, name))}"
        for name in names_of(baselines)
    )


def names_of(baselines: TypeBaselines | None) -> list[str]:
    """Returns the names of the baselines that were measured."""
    return [n for n in BASELINES if getattr(baselines, n, None) is not None]


def _print_types(
    evaluation: Evaluation, title: str, accuracy: Mapping[str, float]
) -> None:
    """Prints the table of a kind of types, "answer type" or "question type"."""
    key = f"per_{title.replace(' ', '_')}"
    of_types: dict[str, TypeBaselines] = (
        getattr(evaluation.baselines, key, None) or {}
    )
    outside = getattr(evaluation.outside, key, {})
    counts = getattr(evaluation.counts, key, {})
    names = names_of(evaluation.baselines) if of_types else []
    print(
        f"{title:16}"
        + _cells(["questions", "accuracy", "outside"])
        + _cells(name.replace("_", " ") for name in names)
    )
    for kind, value in accuracy.items():
        cells = [f"{counts[kind]:,}" if kind in counts else "-"]
        cells += [_percent(value), _percent(outside.get(kind))]
        cells += [_percent(getattr(of_types[kind], name)) for name in names]
        print(f"  {kind:14}{_cells(cells)}")


def _cells(cells: Iterable[str]) -> str:
    return "".join(f" {cell:>13}" for cell in cells)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} %"


def _on_object(found: TypeGrounding) -> str:
    text = (
        f"pointing accuracy {found.pointing_accuracy:.1f} %, mass on it "
        f"{found.mass:.1f} % (chance {found.chance:.1f} %"
    )
    if found.questions is not None:
        text += f"; {found.questions:,} questions with boxes"
    return f"{text})"
