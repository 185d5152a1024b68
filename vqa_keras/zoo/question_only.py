"""A run without the image, as a baseline: --question_only."""

import sys

from vqa_keras.errors import UserError
from vqa_keras.runs import evaluation
from vqa_keras.runs.run import load_run
from vqa_keras.runs.run import task_for_records

ENTRY = "question_only"
HELP = f"Run of the entry {ENTRY}, whose accuracy is shown as a baseline."


def right_answers(run, records, split, batch_size):
    """Returns which questions a run of the entry answers right.

    Args:
        run: folder of the run; None if there is none.
        records: `Records`.
        split: str.
        batch_size: int, questions per batch.

    Returns:
        A bool array, `(Q,)`; None without a run.

    Raises:
        UserError: if the run is of another entry, or does not fit the records.
    """
    if run is None:
        return None
    task, results = load_run(run)
    if results.entry != ENTRY:
        raise UserError(
            f"--{ENTRY} must be a run of the entry {ENTRY}. Received: "
            f"{run}, a run of {results.entry}"
        )
    task = task_for_records(task, records, results)
    predictions = evaluation.predict(
        task,
        records,
        split,
        results.inputs,
        batch_size,
        progress=sys.stdout.isatty(),
        regions_only=True,
    )
    return evaluation.right_answers(task, records, split, predictions)
