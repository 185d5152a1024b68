"""Trains the model of a recipe on records."""

import contextlib
import importlib.util
import math
import pathlib
from collections.abc import Callable

import keras
import tensorflow as tf

from vqa_keras.data import Records
from vqa_keras.errors import UserError
from vqa_keras.image_encoders import weights_sha256
from vqa_keras.models import VQA
from vqa_keras.runs.checkpoints import Checkpoints
from vqa_keras.runs.flops import flops_per_question

STRATEGIES = ("none", "mirrored")
WARMUP_SHARE = 0.05  # of the steps, from 0 to the full learning rate


def train(
    build_task: Callable[[str], VQA],
    settings: dict,
    records: Records,
    folder: pathlib.Path,
    strategy: str = "none",
    precision: str = "float32",
    jit: str | bool = "auto",
    verbose: int = 1,
) -> tuple[VQA, dict]:
    """Trains, or continues the training in `folder`.

    Args:
        build_task: function of a dtype policy that returns the untrained task.
        settings: dict, the [training] of a recipe, as it shall be.
        records: `Records`.
        folder: path for checkpoints and logs.
        strategy: "none", or "mirrored", which trains on all local devices.
        precision: dtype policy of the training.
        jit: "auto", True or False: compilation by XLA.
        verbose: as in `keras.Model.fit`.

    Returns:
        `task, summary`: the task with the weights of the chosen epoch (see
        `selects_epoch`), in float32, and a dict with epochs, history and
        seconds.
    """
    epochs, batch_size = settings["epochs"], settings["batch_size"]
    shared = settings.get("share_images", False)
    if shared and strategy != "none":
        raise UserError(
            "A recipe with share_images needed --strategy=none, since images "
            f"and questions are not split alike. Received: {strategy}"
        )
    steps = records.steps(
        "train", batch_size, answerable_only=True, share_images=shared
    )

    def compiled_task(dtype):
        task = build_task(dtype)
        task.compile(_optimizer(settings, steps), jit_compile=jit)
        return task

    keras.utils.set_random_seed(settings["seed"])
    with _scope(strategy):
        task = compiled_task(precision)
        # A step that makes the optimizer's variables is traced twice.
        task.optimizer.build(task.trainable_variables)
        select = selects_epoch(records)
        checkpoints = Checkpoints(
            folder / "checkpoints", "val_accuracy" if select else None
        )
        first_epoch = checkpoints.restore(task)
    if first_epoch < epochs:
        options = {
            "inputs": settings["inputs"],
            "targets": settings["targets"],
            "image_size": task.preprocessor.image_size,
            "share_images": shared,
        }
        validation = None
        if measures_validation(records):
            validation = records.load("validation", batch_size, **options)
        current = _CurrentEpoch(first_epoch)
        task.fit(
            records.load(
                "train",
                batch_size,
                shuffle=True,
                seed=settings["seed"],
                first_epoch=current,
                answerable_only=True,
                **options,
            ),
            validation_data=validation,
            initial_epoch=first_epoch,
            epochs=epochs,
            callbacks=[current, *_tensorboard(folder), checkpoints],
            verbose=verbose,
        )
    # A task of its own: variables of a strategy stay bound to its scope.
    best = compiled_task("float32")
    checkpoints.load_best(best)
    return best, {
        "epochs": epochs,
        "selected": "best on validation" if select else "last epoch",
        "best_epoch": checkpoints.best_epoch(),
        "resumed_after_epoch": first_epoch,
        "fit_seconds": round(sum(h["seconds"] for h in checkpoints.history), 1),
        "history": checkpoints.history,
    }


def measures_validation(records: Records) -> bool:
    """Whether there is a validation split with answers."""
    return _has_answers(records, "validation")


def selects_epoch(records: Records) -> bool:
    """Whether the best epoch on validation is kept, else it is the last one.

    Only where a test split with answers is left to measure it on: what was
    chosen on validation is too good there.
    """
    return _has_answers(records, "test") and measures_validation(records)


def _has_answers(records, split):
    splits = records.info.splits
    return split in splits and splits[split]["answerable"] > 0


class _CurrentEpoch(keras.callbacks.Callback):
    """Lets a pass over the records read the epoch that `fit` is in.

    Counted passes would differ where Keras peeks at a batch before it trains:
    on JAX and under a strategy.
    """

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def __iter__(self):
        return self

    def __next__(self):
        return self.epoch

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch


def _optimizer(settings, steps):
    total = steps * settings["epochs"]
    warmup = int(WARMUP_SHARE * total)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0,
        max(total - warmup, 1),
        warmup_target=settings["learning_rate"],
        warmup_steps=warmup,
    )
    # With a strategy Keras clips each device's part of the gradient, so a
    # recipe that clips trains a little differently on two devices.
    clipnorm = settings.get("global_clipnorm")
    return keras.optimizers.Adam(schedule, global_clipnorm=clipnorm)


def _scope(strategy):
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


def _tensorboard(folder):
    if importlib.util.find_spec("tensorboard") is None:
        return []
    return [
        keras.callbacks.TensorBoard(folder / "tensorboard", write_graph=False)
    ]


def count_flops(task: VQA, records: Records) -> int | None:
    """Returns the operations that answer one question, or None if they vary.

    Counted for the longest question of the records; see
    `vqa_keras.runs.flops.flops_per_question`.
    """
    if task.backbone.grid_shape is not None:
        num_regions = math.prod(task.backbone.grid_shape)
    elif records.info.image_encoder is not None:
        num_regions, _ = records.feature_shapes("regions")["regions"]
    else:
        return None
    if num_regions is None:
        return None
    return flops_per_question(task, records.info.sequence_length, num_regions)


def image_encoder_of(records: Records, inputs: str) -> keras.Model | None:
    """Returns the CNN that made the features that a model is trained on.

    For "regions" of records with several levels it ends at the last one.

    Returns:
        The CNN, or None where the features came from files.

    Raises:
        UserError: if that one is not the deepest, so that the CNN without the
            layers after it would no longer be known as the records' CNN.
    """
    info = records.info
    if info.image_encoder is not None and info.image_encoder["file"] is None:
        return None
    encoder = records.image_encoder()
    if inputs == "regions" and isinstance(encoder.output, dict):
        *_, level = levels = info.image_encoder["levels"]
        grid = encoder.output[level]
        encoder = keras.Model(encoder.input, grid, name=encoder.name)
        if weights_sha256(encoder) != info.image_encoder["weights_sha256"]:
            raise UserError(
                f"{info.directory}: needed records whose last level is the "
                "deepest; write them with --levels in the order of the "
                f"network. Received: {', '.join(levels)}"
            )
    return encoder
