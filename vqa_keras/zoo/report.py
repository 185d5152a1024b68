r"""Writes a page of right and wrong answers of a run with their heat maps.

    python -m vqa_keras.zoo.report runs/stacked --data=records \
        --output=report.html

The argument is the folder of a run or the name of a shipped preset, such as
stacked_easy_vqa.

The page is one file that needs no network. It begins with the figures of the
whole split: accuracy and baselines, of all types of questions and answers,
grounding, calibration, and the curves of the training. At most half of its
examples are wrong answers. --order=confident_mistakes shows only wrong ones,
those of the highest probability first.
"""

import sys

import numpy as np
from absl import flags

from vqa_keras import visualization
from vqa_keras.command import run
from vqa_keras.data import Records
from vqa_keras.errors import UserError
from vqa_keras.runs import evaluation
from vqa_keras.runs.examples import choose
from vqa_keras.runs.examples import choose_confident_mistakes
from vqa_keras.runs.examples import read_examples
from vqa_keras.runs.parameters import describe_parameters
from vqa_keras.runs.print_evaluation import names_of
from vqa_keras.runs.print_evaluation import print_evaluation
from vqa_keras.runs.run import load_run
from vqa_keras.runs.run import task_for_records
from vqa_keras.runs.thresholds import print_calibration
from vqa_keras.zoo import question_only
from vqa_keras.zoo.arguments import one_run
from vqa_keras.zoo.outputs import check_output

_DATA = flags.DEFINE_string(
    "data",
    None,
    "Required. Folder of records, as pipelines.write_records wrote it.",
    required=True,
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "Required. HTML file to write.", required=True
)
_SPLIT = flags.DEFINE_string(
    "split",
    None,
    "Split of the records: train, validation or test. Default: test, or "
    "validation where there is no test split.",
)
_EXAMPLES = flags.DEFINE_integer(
    "examples", 24, "Number of questions to show.", lower_bound=0
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "Seed of the choice of questions.", lower_bound=0
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 256, "Questions per batch.", lower_bound=1
)
_ORDER = flags.DEFINE_enum(
    "order",
    "records",
    ["records", "confident_mistakes"],
    "records: right and wrong answers from all over the split, in its order; "
    "confident_mistakes: the most probable wrong answers, the first one first.",
)
_QUESTION_ONLY = flags.DEFINE_string("question_only", None, question_only.HELP)


def main(argv):
    folder = one_run(argv)
    check_output(_OUTPUT.value)
    task, results = load_run(folder)
    records = Records(_DATA.value)
    split = _SPLIT.value or evaluation.split_to_measure(records)
    task = task_for_records(task, records, results)
    if not records.info.stored_images:
        raise UserError(
            f"{_DATA.value} must be records with the images inside. Received: "
            "records without"
        )
    predictions = evaluation.predict(
        task,
        records,
        split,
        results.inputs,
        _BATCH_SIZE.value,
        progress=sys.stdout.isatty(),
    )
    found, right = evaluation.evaluate(
        task,
        records,
        split,
        predictions,
        question_only=question_only.right_answers(
            _QUESTION_ONLY.value, records, split, _BATCH_SIZE.value
        ),
    )
    path = visualization.write_report(
        _OUTPUT.value,
        _examples(task, records, split, predictions, right),
        _summary(records, results, found),
    )
    print_evaluation(found, results.training)
    print_calibration(found.calibration)
    size = results.parameters, results.trainable_parameters
    print(f"parameters   {describe_parameters(*size)}")
    print(f"report       {path}")


def _examples(task, records, split, predictions, right):
    """Returns the examples to show, in the order of the page."""
    if _ORDER.value == "records":
        chosen = choose(right, _EXAMPLES.value, _SEED.value)
        return read_examples(task, records, split, predictions, chosen)
    # A question without an answer is no mistake.
    answered = np.array([q.answer != "" for q in records.questions(split)])
    chosen = choose_confident_mistakes(
        right | ~answered, predictions.probabilities[:, 0], _EXAMPLES.value
    )
    inorder = sorted(chosen)
    examples = read_examples(task, records, split, predictions, inorder)
    by_index = dict(zip(inorder, examples, strict=True))
    return [by_index[i] for i in chosen]


def _summary(records, results, found):
    """Returns the summary for `visualization.write_report`."""
    figures = found.to_json()
    names = names_of(found.baselines)
    folder = records.folder.resolve().name
    return {
        "title": f"{results.entry} on {folder} ({found.split})",
        "questions": found.questions,
        "accuracy": figures["accuracy"],
        "outside": found.outside.overall,
        "baselines": found.baselines
        and {name: getattr(found.baselines, name) for name in names},
        "types": [
            row
            for kind in ("question type", "answer type")
            for row in _rows(found, kind, names)
        ],
        "grounding": figures["grounding"],
        "calibration": figures["calibration"],
        "history": results.training.history,
        "best_epoch": results.training.best_epoch,
        "settings": {
            "records": f"{records.folder} ({records.info.dataset})",
            "source": results.recipe["source"],
            "parameters": describe_parameters(
                results.parameters, results.trainable_parameters
            ),
            **results.recipe["training"],
            "best epoch": results.training.best_epoch,
        },
    }


def _rows(found, kind, names):
    """Yields the rows of a kind of types for the table of the report."""
    key = f"per_{kind.replace(' ', '_')}"
    of_types = getattr(found.baselines, key, None) or {}
    for name, questions in getattr(found.counts, key).items():
        yield {
            "kind": kind,
            "type": name,
            "questions": questions,
            "accuracy": getattr(found.accuracy, key)[name],
            "outside": getattr(found.outside, key)[name],
            "baselines": {n: getattr(of_types[name], n) for n in names},
        }


if __name__ == "__main__":
    run(main)
