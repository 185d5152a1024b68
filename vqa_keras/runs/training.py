"""Trains the model of a recipe on records."""

import contextlib
import importlib.util
import math
import pathlib
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any
from typing import cast

import keras
import tensorflow as tf

from vqa_keras.data import Records
from vqa_keras.errors import UserError
from vqa_keras.image_encoders import weights_sha256
from vqa_keras.models import VQA
from vqa_keras.runs import kept_epoch
from vqa_keras.runs.checkpoints import Checkpoints
from vqa_keras.runs.finite import StopNotFinite
from vqa_keras.runs.flops import flops_per_question
from vqa_keras.runs.patience import Patience
from vqa_keras.runs.results import Training
from vqa_keras.runs.run import preprocessor_of
from vqa_keras.runs.settings import Settings

STRATEGIES = ("none", "mirrored")
WARMUP_FRACTION = 0.05  # of the steps, from 0 to the full learning rate


def train(
    build_task: Callable[[str], VQA],
    settings: Settings,
    records: Records,
    folder: pathlib.Path,
    strategy: str = "none",
    precision: str = "float32",
    jit: str | bool = "auto",
    patience: int | None = None,
    verbose: int = 1,
    skip_damaged: bool = True,
) -> tuple[VQA, Training]:
    """Trains, or continues the training in `folder`.

    Args:
        build_task: function of a dtype policy that returns the untrained task.
        settings: `Settings`.
        records: `Records`.
        folder: path for checkpoints and logs.
        strategy: "none", or "mirrored", which trains on all local devices.
        precision: dtype policy of the training.
        jit: "auto", True or False: compilation by XLA.
        patience: number of epochs without a better validation accuracy after
            which the training stops. The best epoch is then kept, also where
            there is no test split: figures on validation are then too good,
            and `Training.selected` says so. None trains all epochs.
        verbose: as in `keras.Model.fit`.
        skip_damaged: whether an older checkpoint may take the place of a
            damaged one.

    Returns:
        `task, training`: the task with the weights of the chosen epoch (see
        `selects_epoch`), in float32, and how they were trained.

    Raises:
        UserError: for a strategy that does not fit, for a patience without a
            validation split, or for damaged checkpoints; `NotFinite` for a
            loss, log or weight that is not finite.
    """
    if settings.share_images and strategy != "none":
        raise UserError(
            "--strategy must be none for a recipe with share_images, since "
            f"images and questions are not split alike. Received: {strategy}"
        )
    check_patience(records, patience)
    steps = records.steps(
        "train",
        settings.batch_size,
        in_vocabulary_only=True,
        share_images=settings.share_images,
    )

    def compiled_task(dtype: str) -> VQA:
        task = build_task(dtype)
        task.compile(_optimizer(settings, steps), jit_compile=jit)
        return task

    keras.utils.set_random_seed(settings.seed)
    with _scope(strategy):
        task = compiled_task(precision)
        # A step that makes the optimizer's variables is traced twice.
        cast(keras.Optimizer, task.optimizer).build(task.trainable_variables)
        select = selects_epoch(records) or patience is not None
        checkpoints = Checkpoints(
            folder / "checkpoints", "val_accuracy" if select else None
        )
        first_epoch = checkpoints.restore(task, skip_damaged)
    patient = Patience(checkpoints, patience)
    if first_epoch < settings.epochs and not patient.is_over():
        options = {
            "inputs": settings.inputs,
            "targets": settings.targets,
            "image_size": preprocessor_of(task).image_size,
            "share_images": settings.share_images,
        }
        validation = None
        if measures_validation(records):
            validation = records.load(
                "validation", settings.batch_size, **options
            )
        current = _CurrentEpoch(first_epoch)
        task.fit(
            records.load(
                "train",
                settings.batch_size,
                shuffle=True,
                seed=settings.seed,
                first_epoch=current,
                in_vocabulary_only=True,
                **options,
            ),
            validation_data=validation,
            initial_epoch=first_epoch,
            epochs=settings.epochs,
            # Only what is finite is saved; the last one reads what is.
            callbacks=[
                current,
                StopNotFinite(),
                *_tensorboard(folder),
                checkpoints,
                patient,
            ],
            verbose=verbose,
        )
    # A task of its own: variables of a strategy stay bound to its scope.
    best = compiled_task("float32")
    checkpoints.load_best(best)
    return best, Training(
        epochs=settings.epochs,
        selected=_selected(records, select),
        best_epoch=checkpoints.best_epoch(),
        resumed_after_epoch=first_epoch,
        fit_seconds=round(sum(h["seconds"] for h in checkpoints.history), 1),
        history=checkpoints.history,
    )


def _selected(records: Records, select: bool) -> str:
    if not select:
        return kept_epoch.LAST
    is_measured = not selects_epoch(records)
    return kept_epoch.BEST_AND_MEASURED if is_measured else kept_epoch.BEST


def check_patience(records: Records, patience: int | None) -> None:
    """Raises UserError for a patience that no validation split can measure."""
    if patience is not None and not measures_validation(records):
        raise UserError(
            "--patience must be given with a validation split that has "
            f"answers. Received: {patience} and none in {records.folder}"
        )


def measures_validation(records: Records) -> bool:
    """Whether there is a validation split with answers."""
    return _has_answers(records, "validation")


def selects_epoch(records: Records) -> bool:
    """Whether the best epoch on validation is kept, else the last one.

    That requires a test split with answers to measure it on: figures on the
    split that the epoch is chosen on are too good.
    """
    return _has_answers(records, "test") and measures_validation(records)


def _has_answers(records: Records, split: str) -> bool:
    splits = records.info.splits
    return split in splits and splits[split].in_vocabulary > 0


class _CurrentEpoch(keras.callbacks.Callback):
    """Gives a pass over the records the epoch that `fit` is in.

    Counting passes would give another epoch where Keras reads a batch before it
    trains: on JAX and under a strategy.
    """

    def __init__(self, epoch: int):
        super().__init__()
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        return self.epoch

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.epoch = epoch


def _optimizer(settings: Settings, steps: int) -> keras.optimizers.Optimizer:
    total = steps * settings.epochs
    warmup = int(WARMUP_FRACTION * total)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0,
        max(total - warmup, 1),
        warmup_target=settings.learning_rate,
        warmup_steps=warmup,
    )
    # With a strategy Keras clips each device's part of the gradient, so a
    # recipe that clips trains a little differently on two devices.
    return keras.optimizers.Adam(
        cast(Any, schedule),  # which Keras takes but does not annotate
        global_clipnorm=settings.global_clipnorm,
    )


def _scope(strategy: str) -> contextlib.AbstractContextManager:
    if strategy == "none":
        return contextlib.nullcontext()
    if strategy != "mirrored" or keras.config.backend() != "tensorflow":
        raise UserError(
            "--strategy must be none, or mirrored on the TensorFlow backend. "
            f"Received: {strategy} on {keras.config.backend()}"
        )
    devices = tf.config.list_logical_devices(
        "GPU"
    ) or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([d.name for d in devices]).scope()


def _tensorboard(folder: pathlib.Path) -> Sequence[keras.callbacks.Callback]:
    if importlib.util.find_spec("tensorboard") is None:
        return []
    return [
        keras.callbacks.TensorBoard(
            str(folder / "tensorboard"), write_graph=False
        )
    ]


def count_flops(task: VQA, records: Records) -> int | None:
    """Returns the operations that answer one question, or None if they vary.

    They are those of the longest question of the records; see
    `vqa_keras.runs.flops.flops_per_question`.
    """
    if task.backbone.grid_shape is not None:
        num_regions = math.prod(task.backbone.grid_shape)
    elif records.info.features is not None:
        num_regions, _ = records.feature_shapes("regions")["regions"]
    else:
        return None
    if num_regions is None:
        return None
    return flops_per_question(task, records.info.sequence_length, num_regions)


def image_encoder_of(records: Records, inputs: str) -> keras.Model | None:
    """Returns the CNN whose features a model is trained on.

    For "regions" of records with several levels it ends at the last level.

    Returns:
        The CNN, or None where the features come from files.

    Raises:
        UserError: if the last level is not the deepest: the CNN without the
            layers after it has another hash than the records' CNN.
    """
    features = records.files.features()
    if features.file is None:
        return None
    encoder = cast(keras.Model, records.image_encoder())
    if inputs == "regions" and isinstance(encoder.output, dict):
        *_, level = features.levels
        grid = encoder.output[level]
        encoder = keras.Model(encoder.input, grid, name=encoder.name)
        if weights_sha256(encoder) != features.weights_sha256:
            raise UserError(
                f"{records.folder}: the last level must be the deepest; write "
                "the records with --levels in the order of the network. "
                f"Received: {', '.join(features.levels)}"
            )
    return encoder
