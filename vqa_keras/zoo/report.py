r"""Writes a page of right and wrong answers of a run with their heat maps.

    python -m vqa_keras.zoo.report runs/stacked --data=records \
        --output=report.html

The page is one file that needs no network. It begins with accuracy, baselines,
grounding and calibration of the whole split; at most half of its examples are
wrong answers.
"""

import sys

from absl import flags

from vqa_keras import visualization
from vqa_keras.command import run
from vqa_keras.data import Records
from vqa_keras.errors import UserError
from vqa_keras.runs import evaluation
from vqa_keras.runs.examples import choose
from vqa_keras.runs.examples import read_examples
from vqa_keras.runs.run import load_run
from vqa_keras.runs.run import task_for_records
from vqa_keras.runs.thresholds import print_calibration
from vqa_keras.zoo.arguments import one_run

_DATA = flags.DEFINE_string("data", None, "Folder of records.", required=True)
_OUTPUT = flags.DEFINE_string("output", None, "HTML file.", required=True)
_SPLIT = flags.DEFINE_string("split", "test", "Split of the records.")
_EXAMPLES = flags.DEFINE_integer(
    "examples", 24, "Questions to show.", lower_bound=0
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "Seed of the choice of questions.", lower_bound=0
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 256, "Questions per batch.", lower_bound=1
)


def main(argv):
    task, results = load_run(one_run(argv))
    split = _SPLIT.value
    records = Records(_DATA.value)
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
    found, right = evaluation.evaluate(task, records, split, predictions)
    chosen = choose(right, _EXAMPLES.value, _SEED.value)
    figures = found.to_json()
    summary = {
        "title": f"{results.entry} on {records.info.dataset}, {split}",
        "questions": found.questions,
        "accuracy": figures["accuracy"],
        "baselines": found.baselines
        and {
            "majority": found.baselines.majority,
            "question_only": found.baselines.question_only,
        }
        or {},
        "grounding": figures["grounding"],
        "calibration": figures["calibration"],
        "settings": {
            "source": results.recipe["source"],
            "parameters": f"{results.parameters:,}",
            **results.recipe["training"],
            "best epoch": results.training.best_epoch,
        },
    }
    path = visualization.write_report(
        _OUTPUT.value,
        read_examples(task, records, split, predictions, chosen),
        summary,
    )
    evaluation.print_evaluation(found)
    print_calibration(found.calibration)
    print(f"report       {path}")


if __name__ == "__main__":
    run(main)
