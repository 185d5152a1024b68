r"""Measures a run on a split of records: accuracy, baselines and grounding.

    python -m vqa_keras.zoo.evaluate runs/stacked --data=records --split=test

Prints the accuracy, overall and by type of answer, beside what the majority
answer and the best question-only answer reach, and for every attention over
the grid how often its largest weight lies on the object, and how much of it.
Where several people answered each question, also the official VQA accuracy.

    python -m vqa_keras.zoo.evaluate runs/stacked --data=records --split=test \
        --submission=answers.json

also writes the answers in the format of the VQA challenge's server, for a
split without answers too.
"""

import pathlib
import sys

from absl import flags

from vqa_keras.command import run
from vqa_keras.data import Records
from vqa_keras.runs import evaluation
from vqa_keras.runs.run import load_run
from vqa_keras.runs.run import task_for_records
from vqa_keras.runs.run import write_json
from vqa_keras.runs.submission import write_submission
from vqa_keras.zoo.arguments import one_run

_DATA = flags.DEFINE_string("data", None, "Folder of records.", required=True)
_SPLIT = flags.DEFINE_string("split", "test", "Split of the records.")
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 256, "Questions at a time.", lower_bound=1
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "File to write the figures to, as JSON."
)
_SUBMISSION = flags.DEFINE_string(
    "submission", None, "File to write all answers to, for the VQA challenge."
)


def main(argv):
    task, results = load_run(one_run(argv))
    inputs = results["inputs"]
    records = Records(_DATA.value)
    task = task_for_records(task, records, results)
    outputs = evaluation.predict(
        task,
        records,
        _SPLIT.value,
        inputs,
        _BATCH_SIZE.value,
        progress=sys.stdout.isatty(),
        regions_only=True,
    )
    if _SUBMISSION.value:
        write_submission(
            task, records, _SPLIT.value, outputs, _SUBMISSION.value
        )
        if not evaluation.has_answers(records, _SPLIT.value):
            return
    result, _ = evaluation.evaluate(task, records, _SPLIT.value, outputs)
    evaluation.print_evaluation(result)
    _warn(_SPLIT.value, results)
    if _OUTPUT.value:
        write_json(pathlib.Path(_OUTPUT.value), result)


def _warn(split, results):
    chosen = results.get("selected", "best on validation") != "last epoch"
    if split == "train" or (split == "validation" and chosen):
        how = "trained" if split == "train" else "chosen"
        print(
            f"note         the model was {how} on this split: these figures "
            "are too good"
        )


if __name__ == "__main__":
    run(main)
