"""Trains a run: its model, its evaluation, its preset and its results."""

import copy
import dataclasses
import functools
import sys
import time
from typing import Any

from vqa_keras.data import Records
from vqa_keras.files import write_json
from vqa_keras.runs import evaluation
from vqa_keras.runs import training
from vqa_keras.runs.initialization import Initializer
from vqa_keras.runs.parameters import count_trainable
from vqa_keras.runs.provenance import provenance
from vqa_keras.runs.results import RESULTS
from vqa_keras.runs.results import RunResults
from vqa_keras.runs.results import read_results
from vqa_keras.runs.run_folder import prepare
from vqa_keras.runs.settings import Settings
from vqa_keras.zoo.build_model import build_task


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run is trained from.

    Args:
        entry: name of the entry or path of the recipe.
        recipe: the recipe, with the flags' values.
        settings: those of the recipe.
        records: what it is trained on.
        initializer: sets the first weights.
        patience: epochs without a better one; None for no limit.
        strategy, precision, jit: as `training.train` takes them.
        resume: whether an unfinished run is continued.
    """

    entry: str
    recipe: dict[str, Any]
    settings: Settings
    records: Records
    initializer: Initializer
    patience: int | None
    strategy: str
    precision: str
    jit: str | bool
    resume: bool

    def with_seed(self, seed):
        """Returns this plan with another seed."""
        recipe = copy.deepcopy(self.recipe)
        recipe["training"]["seed"] = seed
        settings = dataclasses.replace(self.settings, seed=seed)
        return dataclasses.replace(self, recipe=recipe, settings=settings)

    def same(self, seeds=None):
        """Returns what must not differ where the run is continued."""
        return {
            "entry": self.entry,
            "seeds": seeds,
            "recipe": self.recipe,
            **self.initializer.settings(),
            "precision": self.precision,
            "patience": self.patience,
            "records": {
                name: [shard.sha256 for shard in split.shards]
                for name, split in self.records.info.splits.items()
            },
        }


def train_run(plan, output, started):
    """Trains a run, or reads the results of a finished one.

    Args:
        plan: `Plan`.
        output: `pathlib.Path` of its folder.
        started: `time.time()` when its training began.

    Returns:
        `RunResults`.

    Raises:
        UserError: as `prepare` and `training.train`.
    """
    prepared = prepare(output, plan.same(), plan.resume)
    if prepared.is_finished:
        print(f"finished     {output}; --noresume trains again")
        return read_results(output / RESULTS)
    results = _train(plan, output, prepared.earlier_epochs, started)
    write_json(output / RESULTS, results.to_json())
    return results


def _train(plan, output, earlier_epochs, started):
    """Trains, saves the preset and returns the results."""
    records, inputs = plan.records, plan.settings.inputs
    image_encoder = None
    if inputs != "images":  # now, not when the training is over
        image_encoder = training.image_encoder_of(records, inputs)
    build = functools.partial(build_task, plan.recipe, records)
    task, trained = training.train(
        plan.initializer.then(build),
        plan.settings,
        records,
        output / "training",
        strategy=plan.strategy,
        precision=plan.precision,
        jit=plan.jit,
        patience=plan.patience,
        earlier_epochs=earlier_epochs,
        verbose=1 if sys.stdout.isatty() else 2,
    )
    if inputs == "images":
        folder = output / "image_encoder"
        task.backbone.image_encoder.save_to_preset(str(folder))
    return save_run(plan, task, image_encoder, trained, output, started)


def save_run(plan, task, image_encoder, trained, output, started):
    """Evaluates a task on the records and saves it as a preset.

    Args:
        plan: `Plan`.
        task: `VQA` that takes the inputs of the records.
        image_encoder: the CNN of the features, or None.
        trained: `Training`.
        output: `pathlib.Path` of the preset.
        started: `time.time()` when the training began.

    Returns:
        `RunResults`, which are not written.
    """
    records = plan.records
    evaluated = _evaluate(task, records, plan.settings.inputs)
    flops = training.count_flops(task, records)
    if image_encoder is not None:
        task = task.with_image_encoder(image_encoder)
    task.save_to_preset(str(output))
    return RunResults(
        entry=plan.entry,
        dataset=records.info.dataset,
        metric="accuracy: exact match of the best answer, percent",
        evaluation=evaluated,
        weights_sha256=records.info.features
        and records.info.features.weights_sha256,
        parameters=task.count_params(),
        trainable_parameters=count_trainable(task),
        flops_per_question=flops,
        inputs=plan.settings.inputs,
        recipe=plan.recipe,
        precision=plan.precision,
        strategy=plan.strategy,
        seed=plan.settings.seed,
        training=trained,
        seconds=round(time.time() - started, 1),
        provenance=provenance(),
        initialization=plan.initializer.done,
    )


def _evaluate(task, records, inputs):
    """Evaluates the task on the test split, or else on validation, or not."""
    known = records.info.splits
    for split in ("test", "validation"):
        if split in known and evaluation.has_answers(records, split):
            predictions = evaluation.predict(
                task,
                records,
                split,
                inputs,
                progress=sys.stdout.isatty(),
                regions_only=True,
            )
            return evaluation.evaluate(task, records, split, predictions)[0]
    return None
