r"""Measures a run on a split of records: accuracy, calibration and grounding.

    python -m vqa_keras.zoo.evaluate runs/stacked --data=records --split=test

The argument is the folder of a run or the name of a shipped preset, such as
stacked_easy_vqa.

Prints the accuracy, overall and by type, beside the percentage of questions
whose answer is outside the vocabulary and beside baselines: the majority answer
of the training split, the most frequent answer of the same question, and, with
--question_only=RUN2, a run of the entry question_only; for every attention over
the grid, how often its largest weight lies on the object, and how much of its
weight; the official VQA accuracy where questions have several answers; and the
expected calibration error, with a table of how many questions have an answer of
at least a probability, and how many of these answers are right.

    python -m vqa_keras.zoo.evaluate runs/stacked --data=records --split=test \
        --submission=answers.json

also writes the answers in the format of the VQA challenge's server; the split
may be one without answers. --threshold=0.5 gives "" in place of an answer whose
probability is below 0.5, in the submission and in the accuracy.
"""

import sys

from absl import flags

from vqa_keras.command import run
from vqa_keras.data import Records
from vqa_keras.files import write_json
from vqa_keras.runs import evaluation
from vqa_keras.runs.print_evaluation import print_evaluation
from vqa_keras.runs.run import load_run
from vqa_keras.runs.run import task_for_records
from vqa_keras.runs.submission import write_submission
from vqa_keras.runs.thresholds import print_calibration
from vqa_keras.zoo import question_only
from vqa_keras.zoo.arguments import check_threshold
from vqa_keras.zoo.arguments import one_run
from vqa_keras.zoo.outputs import check_output

_DATA = flags.DEFINE_string(
    "data",
    None,
    "Required. Folder of records, as pipelines.write_records wrote it.",
    required=True,
)
_SPLIT = flags.DEFINE_string(
    "split",
    None,
    "Split of the records: train, validation or test. Default: test, or "
    "validation where there is no test split.",
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 256, "Questions per batch.", lower_bound=1
)
_OUTPUT = flags.DEFINE_string(
    "output",
    None,
    "File to write the figures to, as JSON. Without it they are only printed.",
)
_SUBMISSION = flags.DEFINE_string(
    "submission",
    None,
    "JSON file to write all answers to, for the VQA challenge's server.",
)
_THRESHOLD = flags.DEFINE_float(
    "threshold",
    0.0,
    'Probability, 0 to 1, below which an answer is "". Default: 0, which keeps '
    "all answers.",
)
_QUESTION_ONLY = flags.DEFINE_string("question_only", None, question_only.HELP)


def main(argv):
    threshold = check_threshold(_THRESHOLD.value)
    folder = one_run(argv)
    check_output(_OUTPUT.value)
    check_output(_SUBMISSION.value)
    task, results = load_run(folder)
    records = Records(_DATA.value)
    split = _SPLIT.value or evaluation.split_to_measure(records)
    task = task_for_records(task, records, results)
    predictions = evaluation.predict(
        task,
        records,
        split,
        results.inputs,
        _BATCH_SIZE.value,
        progress=sys.stdout.isatty(),
        regions_only=True,
    )
    if _SUBMISSION.value:
        write_submission(
            task,
            records,
            split,
            predictions,
            _SUBMISSION.value,
            threshold,
        )
        if not evaluation.has_answers(records, split):
            return
    found, _ = evaluation.evaluate(
        task,
        records,
        split,
        predictions,
        threshold,
        question_only.right_answers(
            _QUESTION_ONLY.value, records, split, _BATCH_SIZE.value
        ),
    )
    print_evaluation(found, results.training)
    print_calibration(found.calibration)
    if split == "train":
        print(
            "note         the model was trained on this split: these figures "
            "are too good"
        )
    if _OUTPUT.value:
        write_json(_OUTPUT.value, found.to_json())


if __name__ == "__main__":
    run(main)
