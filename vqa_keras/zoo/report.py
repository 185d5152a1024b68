r"""Writes a page of right and wrong answers of a run with their heat maps.

    python -m vqa_keras.zoo.report runs/stacked --data=records \
        --output=report.html

The page is one file that needs no network. It opens with accuracy, baselines
and grounding of the whole split; at most half of its examples are wrong
answers.
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
from vqa_keras.zoo.arguments import one_run

_DATA = flags.DEFINE_string("data", None, "Folder of records.", required=True)
_OUTPUT = flags.DEFINE_string("output", None, "HTML file.", required=True)
_SPLIT = flags.DEFINE_string("split", "test", "Split of the records.")
_EXAMPLES = flags.DEFINE_integer(
    "examples", 24, "Questions to show.", lower_bound=0
)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of their choice.", lower_bound=0)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 256, "Questions at a time.", lower_bound=1
)


def main(argv):
    task, results = load_run(one_run(argv))
    inputs, split = results["inputs"], _SPLIT.value
    records = Records(_DATA.value)
    task = task_for_records(task, records, results)
    if not records.info.stored_images:
        raise UserError(
            f"{_DATA.value}: needed records with the pictures inside. "
            "Received: records without"
        )
    outputs = evaluation.predict(
        task,
        records,
        split,
        inputs,
        _BATCH_SIZE.value,
        progress=sys.stdout.isatty(),
    )
    result, right = evaluation.evaluate(task, records, split, outputs)
    chosen = choose(right, _EXAMPLES.value, _SEED.value)
    summary = {
        "title": f"{results['entry']} on {records.info.dataset}, {split}",
        "questions": result["questions"],
        "accuracy": result["accuracy"],
        "baselines": {
            name: result["baselines"][name]
            for name in ("majority", "question_only")
        },
        "grounding": result["grounding"],
        "settings": {
            "source": results["recipe"]["source"],
            "parameters": f"{results['parameters']:,}",
            **results["recipe"]["training"],
            "best epoch": results["best_epoch"],
        },
    }
    path = visualization.write_report(
        _OUTPUT.value,
        read_examples(task, records, split, outputs, chosen),
        summary,
    )
    evaluation.print_evaluation(result)
    print(f"report       {path}")


if __name__ == "__main__":
    run(main)
