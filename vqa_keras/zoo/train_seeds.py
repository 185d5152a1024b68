"""Trains a run per seed, and makes a run of the mean of their probabilities."""

import dataclasses
import statistics
import time

from vqa_keras.errors import UserError
from vqa_keras.files import write_json
from vqa_keras.models import ensemble
from vqa_keras.runs.results import RESULTS
from vqa_keras.runs.results import Seeds
from vqa_keras.runs.results import Training
from vqa_keras.runs.results import read_results
from vqa_keras.runs.run import load_run
from vqa_keras.runs.run_folder import prepare
from vqa_keras.zoo.train_run import save_run
from vqa_keras.zoo.train_run import train_run


def train_seeds(plan, seeds, output, started):
    """Trains a run per seed below a folder, and saves their mean in it.

    The runs lie in `output/seed_0` and so on; that of the mean does not read
    them once it is saved.

    Args:
        plan: `Plan`, of any seed.
        seeds: list of int.
        output: `pathlib.Path` of the folder.
        started: `time.time()` when the command began.

    Returns:
        `RunResults` of the mean.

    Raises:
        UserError: as `train_run`; or for a recipe that trains its image encoder
            inside the model, which would be another for each seed.
    """
    if plan.settings.inputs == "images":
        raise UserError(
            "--seeds must be for a recipe that takes the features of the "
            f"records. Received: {plan.entry}, which trains its image encoder"
        )
    plan = plan.with_seed(seeds[0])
    prepared = prepare(output, plan.same(seeds), plan.resume)
    if prepared.is_finished:
        print(f"finished     {output}; --noresume trains again")
        return read_results(output / RESULTS)
    runs = []
    for seed in seeds:
        folder = output / f"seed_{seed}"
        print(f"seed {seed:<7} {folder}")
        begun = started if seed == seeds[0] else time.time()
        runs.append(train_run(plan.with_seed(seed), folder, begun))
    tasks, image_encoder = [], None
    for seed in seeds:
        task, _ = load_run(output / f"seed_{seed}")
        image_encoder = image_encoder or task.backbone.image_encoder
        tasks.append(task.without_image_encoder())
    results = dataclasses.replace(
        save_run(
            plan,
            ensemble(tasks),
            image_encoder,
            _training([each.training for each in runs]),
            output,
            started,
        ),
        initialization=runs[0].initialization,
        seeds=_seeds(seeds, runs),
    )
    write_json(output / RESULTS, results.to_json())
    return results


def print_seeds(seeds):
    """Prints the accuracy of each seed, their mean and standard deviation."""
    if seeds.accuracy is None:
        return
    official = seeds.vqa_accuracy or [None] * len(seeds.seeds)
    rows = zip(seeds.seeds, seeds.accuracy, official, strict=True)
    for seed, accuracy, vqa_accuracy in rows:
        text = f"{accuracy:.2f} %"
        if vqa_accuracy is not None:
            text += f", vqa accuracy {vqa_accuracy:.2f} %"
        print(f"seed {seed:<7} {text}")
    print(f"seeds        {_spread(seeds.mean, seeds.deviation)}")
    if seeds.vqa_mean is not None:
        spread = _spread(seeds.vqa_mean, seeds.vqa_deviation)
        print(f"seeds        vqa accuracy: {spread}")
    print("mean         of the probabilities of all seeds:")


def _spread(mean, deviation):
    text = f"mean {mean:.2f} %"
    if deviation is not None:
        text += f", standard deviation {deviation:.2f}"
    return text


def _training(trainings):
    """Returns how the mean of several runs was trained."""
    first = trainings[0]
    return Training(
        epochs=first.epochs,
        earlier_epochs=first.earlier_epochs,
        patience=first.patience,
        selected=first.selected,
        best_epoch=None,
        resumed_after_epoch=0,
        fit_seconds=round(sum(each.fit_seconds for each in trainings), 1),
        history=[],
    )


def _seeds(seeds, runs):
    """Returns the `Seeds` of runs."""
    found = [run.evaluation for run in runs if run.evaluation is not None]
    values = {}
    if len(found) == len(runs):
        accuracy = [each.accuracy.overall for each in found]
        mean, deviation = _mean_and_deviation(accuracy)
        values = {"accuracy": accuracy, "mean": mean, "deviation": deviation}
        official = [each.vqa_accuracy for each in found]
        if None not in official:
            official = [each.overall for each in official]
            mean, deviation = _mean_and_deviation(official)
            values |= {"vqa_accuracy": official}
            values |= {"vqa_mean": mean, "vqa_deviation": deviation}
    return Seeds(seeds=seeds, **values)


def _mean_and_deviation(values):
    deviation = None
    if len(values) > 1:
        deviation = round(statistics.stdev(values), 2)
    return round(statistics.fmean(values), 2), deviation
