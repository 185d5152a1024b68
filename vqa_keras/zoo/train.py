"""Trains the model of a zoo entry on records and measures what it reached.

    python -m vqa_keras.zoo.train stacked --data=records --output=runs/stacked

The recipe gives every value that no flag gives. The epoch that is best on the
validation split is kept, then measured once on the test split. Without a test
split that has answers, the last epoch is kept and measured on validation, on
which then nothing was chosen. A killed run
continues where it stopped when the same command is given again. The output is
a run: a preset for VQA.from_preset with the image encoder inside, and
results.json.
"""

import functools
import json
import pathlib
import sys
import time

from absl import flags

from vqa_keras import zoo
from vqa_keras.command import run
from vqa_keras.data import Records
from vqa_keras.errors import UserError
from vqa_keras.runs import evaluation
from vqa_keras.runs import training
from vqa_keras.runs.provenance import provenance
from vqa_keras.runs.run import RESULTS
from vqa_keras.runs.run import write_json
from vqa_keras.zoo.arguments import one_argument
from vqa_keras.zoo.build_model import build_task

_DATA = flags.DEFINE_string("data", None, "Folder of records.", required=True)
_OUTPUT = flags.DEFINE_string(
    "output", None, "Folder of the run.", required=True
)
_EPOCHS = flags.DEFINE_integer("epochs", None, "Epochs.", lower_bound=1)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", None, "Questions a step, on all devices.", lower_bound=1
)
_LEARNING_RATE = flags.DEFINE_float(
    "learning_rate", None, "Highest learning rate.", lower_bound=0.0
)
_SEED = flags.DEFINE_integer(
    "seed", None, "Seed of weights and order.", lower_bound=0
)
_STRATEGY = flags.DEFINE_enum(
    "strategy",
    "none",
    training.STRATEGIES,
    "mirrored: all local devices.",
)
_PRECISION = flags.DEFINE_enum(
    "precision",
    "float32",
    ["float32", "mixed_bfloat16"],
    "Dtype policy of the training; the run then computes in float32.",
)
_JIT = flags.DEFINE_enum(
    "jit",
    "auto",
    ["auto", "true", "false"],
    "Compilation by XLA; auto: where Keras finds it works.",
)
_RESUME = flags.DEFINE_bool(
    "resume", True, "Continue an unfinished run; --noresume starts anew."
)
_PUBLISH = flags.DEFINE_bool(
    "publish", False, "Also enter the result in the zoo's results.json."
)


def main(argv):
    started = time.time()
    entry, recipe = _recipe(argv)
    records = Records(_DATA.value)
    records.files.split("train")
    output = pathlib.Path(_OUTPUT.value)
    settings = {
        "entry": entry,
        "recipe": recipe,
        "precision": _PRECISION.value,
        "records": {
            name: [shard.sha256 for shard in split.shards]
            for name, split in records.info.splits.items()
        },
    }
    if _is_finished(output, settings):
        results = json.loads((output / RESULTS).read_text("utf-8"))
        print(f"finished     {output}; --noresume trains again")
    else:
        results = _train(entry, recipe, records, output, started)
        write_json(output / RESULTS, results)
    if results["split"] is None:
        print("accuracy     not measured: needed a test or validation split")
    else:
        evaluation.print_evaluation(results)
    print(f"run          {output}")
    if _PUBLISH.value:
        print(f"published    {_publish(entry, results)}")


def _recipe(argv):
    """Returns the entry's name and its recipe with the flags' values."""
    known = ", ".join(zoo.names())
    entry = one_argument(argv, "ENTRY", f"one entry of the zoo ({known})")
    recipe = zoo.load_recipe(entry)
    for flag in (_EPOCHS, _BATCH_SIZE, _LEARNING_RATE, _SEED):
        if flag.value is not None:
            recipe["training"][flag.name] = flag.value
    return entry, recipe


def _is_finished(output, settings):
    """Makes the folder of the run ready, and returns whether it is finished.

    Raises:
        UserError: if the folder holds something else, or a run with other
            settings that shall be resumed.
    """
    if output.exists() and not output.is_dir():
        raise UserError(
            f"--output must be a folder. Received: a file, {output}"
        )
    path = output / "training" / "settings.json"
    if path.is_file() and _RESUME.value:
        found = json.loads(path.read_text(encoding="utf-8"))
        for name, value in json.loads(json.dumps(settings)).items():
            if found.get(name) != value:
                raise UserError(
                    f"{output} holds a run with another {name}. Needed: the "
                    "same command again, another --output, or --noresume to "
                    f"start anew. Found: {_difference(found.get(name), value)}"
                )
        return (output / RESULTS).is_file()
    others = {p.name for p in output.glob("*")} - {"training"}
    if others and not path.is_file():
        raise UserError(
            f"--output must be a new folder or one of a run. Received: "
            f"{output}, which holds {', '.join(sorted(others)[:5])}"
        )
    # In this order: a kill leaves a run that is unfinished, not a mixture.
    (output / RESULTS).unlink(missing_ok=True)
    for old in (output / "training").glob("checkpoints/*"):
        old.unlink()
    write_json(path, settings)
    return False


def _difference(found, received):
    if isinstance(found, dict) and isinstance(received, dict):
        for name in sorted({**found, **received}):
            if found.get(name) != received.get(name):
                inner = _difference(found.get(name), received.get(name))
                return f"{name}: {inner}"
    return f"{found!r}. Received: {received!r}"


def _train(entry, recipe, records, output, started):
    """Trains, saves the preset and returns the results."""
    interactive = sys.stdout.isatty()
    inputs = recipe["training"]["inputs"]
    if inputs != "images":  # now, not when the training is over
        image_encoder = training.image_encoder_of(records, inputs)
    task, summary = training.train(
        functools.partial(build_task, entry, recipe, records),
        recipe["training"],
        records,
        output / "training",
        strategy=_STRATEGY.value,
        precision=_PRECISION.value,
        jit={"auto": "auto", "true": True, "false": False}[_JIT.value],
        verbose=1 if interactive else 2,
    )
    result = _measure(task, records, inputs, interactive)
    flops = training.count_flops(task, records)
    if inputs == "images":
        folder = output / "image_encoder"
        task.backbone.image_encoder.save_to_preset(str(folder))
    elif image_encoder is not None:
        task = task.with_image_encoder(image_encoder)
    task.save_to_preset(str(output))
    return {
        "entry": entry,
        "dataset": records.info.dataset,
        "metric": "accuracy: exact match of the best answer, percent",
        **result,
        "weights_sha256": records.info.features
        and records.info.features.weights_sha256,
        "parameters": task.count_params(),
        "flops_per_question": flops,
        "inputs": inputs,
        "recipe": recipe,
        "precision": _PRECISION.value,
        "strategy": _STRATEGY.value,
        "seed": recipe["training"]["seed"],
        **summary,
        "seconds": round(time.time() - started, 1),
        **provenance(),
    }


def _measure(task, records, inputs, progress):
    """What the task reaches on the test split, or else on validation."""
    known = records.info.splits
    for split in ("test", "validation"):
        if split in known and evaluation.has_answers(records, split):
            outputs = evaluation.predict(
                task,
                records,
                split,
                inputs,
                progress=progress,
                regions_only=True,
            )
            return evaluation.evaluate(task, records, split, outputs)[0]
    return {"split": None}


def _publish(entry, results):
    """Enters the results in the zoo, in place of those of the same seed."""
    path = zoo.entries() / entry / RESULTS
    published = json.loads(path.read_text("utf-8")) if path.is_file() else []
    published = [r for r in published if r["seed"] != results["seed"]]
    published.append(results)
    write_json(path, sorted(published, key=lambda r: r["seed"]))
    return path


if __name__ == "__main__":
    run(main)
