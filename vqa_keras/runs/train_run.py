"""Trains a run: the preset of a task, and results.json of what it reached."""

import dataclasses
import pathlib
import time
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any
from typing import cast

import keras

from vqa_keras.data import Records
from vqa_keras.files import write_json
from vqa_keras.models import VQA
from vqa_keras.runs import evaluation
from vqa_keras.runs import training
from vqa_keras.runs.figures import Evaluation
from vqa_keras.runs.finite import NotFinite
from vqa_keras.runs.initialization import Initializer
from vqa_keras.runs.parameters import count_trainable
from vqa_keras.runs.provenance import provenance
from vqa_keras.runs.results import RESULTS
from vqa_keras.runs.results import Recipe
from vqa_keras.runs.results import RunResults
from vqa_keras.runs.results import read_results
from vqa_keras.runs.run_folder import earlier_epochs
from vqa_keras.runs.run_folder import is_finished
from vqa_keras.runs.run_folder import one_training
from vqa_keras.runs.run_folder import set_not_finite
from vqa_keras.runs.settings import Settings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """A training, as the flags of `zoo.train` describe it.

    Args:
        entry: the entry of the zoo.
        recipe: its recipe, with the flags' values.
        records: `Records`.
        build_task: function of a dtype policy that returns the untrained task.
        initializer: `Initializer` of its first weights.
        patience: see `training.train`.
        strategy: see `training.train`.
        precision: see `training.train`.
        jit: see `training.train`.
        resume: whether to continue a run that is in the folder.
        interactive: whether progress is shown as bars.
    """

    entry: str
    recipe: dict[str, Any]
    records: Records
    build_task: Callable[[str], VQA]
    initializer: Initializer
    patience: int | None = None
    strategy: str = "none"
    precision: str = "float32"
    jit: str | bool = "auto"
    resume: bool = True
    interactive: bool = False

    @property
    def settings(self) -> Settings:
        """The [training] of the recipe."""
        source = f"The [training] of the recipe of {self.entry}"
        return Settings.from_json(self.recipe["training"], source)

    def with_seed(self, seed: int) -> "Plan":
        """Returns the plan with another seed."""
        of_training = {**self.recipe["training"], "seed": seed}
        recipe = {**self.recipe, "training": of_training}
        return dataclasses.replace(self, recipe=recipe)

    def same(self, seeds: Sequence[int] | None = None) -> dict[str, Any]:
        """Returns what must not differ where a run is continued.

        Args:
            seeds: those of the run of an ensemble. Defaults to None.
        """
        return {
            "entry": self.entry,
            "seeds": seeds and list(seeds),
            "recipe": self.recipe,
            "patience": self.patience,
            **self.initializer.settings(),
            "precision": self.precision,
            "records": {
                name: [shard.sha256 for shard in split.shards]
                for name, split in self.records.info.splits.items()
            },
        }


def train_run(plan: Plan, output: pathlib.Path) -> RunResults:
    """Trains a run, or continues it, and returns its results.

    Args:
        plan: `Plan`.
        output: path of the folder.

    Raises:
        UserError: if the folder holds something else, or a run of another
            plan; if another process trains it; or where `training.train`
            raises it.
    """
    with one_training(output):
        return _train_run(plan, output)


def _train_run(plan: Plan, output: pathlib.Path) -> RunResults:
    started = time.monotonic()
    if is_finished(output, plan.same(), plan.resume):
        print(f"finished     {output}; --noresume trains again")
        return read_results(output / RESULTS)
    inputs, image_encoder = plan.settings.inputs, None
    if inputs != "images":  # now, not when the training is over
        image_encoder = training.image_encoder_of(plan.records, inputs)
    earlier = earlier_epochs(output)
    try:
        task, trained = training.train(
            plan.initializer.then(plan.build_task),
            plan.settings,
            plan.records,
            output / "training",
            strategy=plan.strategy,
            precision=plan.precision,
            jit=plan.jit,
            patience=plan.patience,
            verbose=1 if plan.interactive else 2,
            # An epoch trained again would have other learning rates.
            skip_damaged=not earlier,
        )
    except NotFinite as error:
        set_not_finite(output, error)
        raise
    trained = dataclasses.replace(trained, earlier_epochs=earlier or None)
    return save_run(plan, task, trained, image_encoder, output, started)


def save_run(
    plan: Plan,
    task: VQA,
    trained: Any,
    image_encoder: keras.Model | None,
    output: pathlib.Path,
    started: float,
    **fields: Any,
) -> RunResults:
    """Evaluates and saves a trained task.

    Args:
        plan: `Plan`.
        task: `VQA` that takes the features of the records.
        trained: `Training`.
        image_encoder: the CNN of the features, which the run then has inside;
            None without one, or if the task has its own.
        output: path of the folder.
        started: `time.monotonic()` at the start.
        **fields: other fields of `RunResults`.
    """
    features = plan.records.info.features
    evaluated = _evaluate(plan, task)
    flops = training.count_flops(task, plan.records)
    if plan.settings.inputs == "images":
        trained_encoder: Any = task.backbone.image_encoder
        trained_encoder.save_to_preset(str(output / "image_encoder"))
    elif image_encoder is not None:
        task = task.with_image_encoder(image_encoder)
    task.save_to_preset(str(output))
    results = RunResults(
        entry=plan.entry,
        dataset=plan.records.info.dataset,
        metric="accuracy: exact match of the best answer, percent",
        evaluation=evaluated,
        weights_sha256=features and features.weights_sha256,
        parameters=task.count_params(),
        trainable_parameters=count_trainable(task),
        flops_per_question=flops,
        inputs=plan.settings.inputs,
        recipe=cast(Recipe, plan.recipe),
        precision=plan.precision,
        strategy=plan.strategy,
        seed=plan.settings.seed,
        training=trained,
        seconds=round(time.monotonic() - started, 1),
        provenance=provenance(),
        initialization=plan.initializer.done,
        **fields,
    )
    write_json(output / RESULTS, results.to_json())
    return results


def _evaluate(plan: Plan, task: VQA) -> Evaluation | None:
    """Evaluates the task on the test split, or else on validation, or not."""
    known = plan.records.info.splits
    for split in ("test", "validation"):
        if split in known and evaluation.has_answers(plan.records, split):
            predictions = evaluation.predict(
                task,
                plan.records,
                split,
                plan.settings.inputs,
                progress=plan.interactive,
                regions_only=True,
            )
            return evaluation.evaluate(task, plan.records, split, predictions)[
                0
            ]
    return None
