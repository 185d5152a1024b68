"""Trains a plan with several seeds, and saves the ensemble of the runs."""

import dataclasses
import pathlib
import statistics
import time
from collections.abc import Sequence

from vqa_keras.errors import UserError
from vqa_keras.models import ensemble
from vqa_keras.runs import training
from vqa_keras.runs.finite import NotFinite
from vqa_keras.runs.results import RESULTS
from vqa_keras.runs.results import RunResults
from vqa_keras.runs.results import Seeds
from vqa_keras.runs.results import read_results
from vqa_keras.runs.run import load_run
from vqa_keras.runs.run import task_for_records
from vqa_keras.runs.run_folder import is_finished
from vqa_keras.runs.run_folder import one_training
from vqa_keras.runs.train_run import Plan
from vqa_keras.runs.train_run import save_run
from vqa_keras.runs.train_run import train_run


def train_seeds(
    plan: Plan, output: pathlib.Path, seeds: Sequence[int]
) -> RunResults:
    """Trains a run per seed, and saves that of their mean probabilities.

    The run of seed 3 is `output/seed_3`; `output` itself is the run of the
    ensemble. Its `training` in results.json is that of the first seed, with
    the `fit_seconds` of all.

    Args:
        plan: `Plan`.
        output: path of the folder.
        seeds: ints, at least two, all different.

    Returns:
        `RunResults` of the ensemble.

    Raises:
        UserError: if the image encoder is trained inside the model, or where
            `train_run` raises it.
    """
    if plan.settings.inputs == "images":
        raise UserError(
            "--seeds must be of a recipe whose inputs are regions or grids: the"
            " runs share one image encoder. Received: images"
        )
    with one_training(output):
        return _train_seeds(plan, output, seeds)


def _train_seeds(
    plan: Plan, output: pathlib.Path, seeds: Sequence[int]
) -> RunResults:
    started = time.monotonic()
    # First: a finished ensemble does not need the runs, which may be deleted.
    if is_finished(output, plan.same(seeds), plan.resume):
        print(f"finished     {output}; --noresume trains again")
        return read_results(output / RESULTS)
    runs = []
    for seed in seeds:
        print(f"seed         {seed}")
        folder = folder_of(output, seed)
        try:
            runs.append(train_run(plan.with_seed(seed), folder))
        except NotFinite as error:
            alone = (
                f"the same command, --seed={seed} --output={folder} in place "
                "of --seeds,"
            )
            raise NotFinite(error.epoch, error.received, alone) from error
    figures = [
        run.evaluation.accuracy.overall
        for run in runs
        if run.evaluation is not None
    ]
    found = Seeds(
        seeds=list(seeds),
        accuracy=figures,
        mean=statistics.mean(figures) if figures else None,
        deviation=statistics.stdev(figures) if figures else None,
    )
    tasks = [load_run(folder_of(output, seed))[0] for seed in seeds]
    task = task_for_records(ensemble(tasks), plan.records, runs[0])
    trained = dataclasses.replace(
        runs[0].training,
        fit_seconds=round(sum(r.training.fit_seconds for r in runs), 1),
    )
    image_encoder = training.image_encoder_of(
        plan.records, plan.settings.inputs
    )
    first = plan.with_seed(seeds[0])
    return save_run(
        first, task, trained, image_encoder, output, started, seeds=found
    )


def folder_of(output: pathlib.Path, seed: int) -> pathlib.Path:
    """Returns the folder of the run of a seed."""
    return output / f"seed_{seed}"


def print_seeds(found: Seeds) -> None:
    """Prints the accuracy of each seed, their mean and deviation."""
    if found.mean is None:
        return
    for seed, accuracy in zip(found.seeds, found.accuracy, strict=True):
        print(f"seed {seed:<7} {accuracy:.2f} %")
    print(
        f"seeds        {found.mean:.2f} % +- {found.deviation:.2f}, mean and "
        f"standard deviation of {len(found.seeds)}"
    )
