"""Trains the model of a zoo entry on records and evaluates it.

    python -m vqa_keras.zoo.train stacked --data=records --output=runs/stacked

The argument is an entry of the zoo, which `vqa_keras.zoo.build --list` names,
or the path of a recipe that ends in .toml.

Flags override values of the recipe; where the records hold features of a CNN
for photographs, so do the recipe's [photographs], before the flags. The best
epoch on the validation split is kept, then evaluated once on the test split.
Without a test split that has answers, the last epoch is kept and evaluated on
validation, on which then nothing was chosen. --from starts from the weights of
another run, and without an ENTRY takes its recipe. The same command continues a
killed run after its last finished epoch. The output is a run: a preset for
VQA.from_preset with the image encoder inside, and results.json.
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
from vqa_keras.files import read_json
from vqa_keras.files import write_json
from vqa_keras.presets import find
from vqa_keras.runs import evaluation
from vqa_keras.runs import training
from vqa_keras.runs.initialization import Initializer
from vqa_keras.runs.parameters import count_trainable
from vqa_keras.runs.parameters import describe_parameters
from vqa_keras.runs.print_evaluation import print_evaluation
from vqa_keras.runs.provenance import provenance
from vqa_keras.runs.results import RESULTS
from vqa_keras.runs.results import RunResults
from vqa_keras.runs.results import read_published
from vqa_keras.runs.results import read_results
from vqa_keras.runs.settings import Settings
from vqa_keras.zoo.arguments import one_argument
from vqa_keras.zoo.build_model import build_task
from vqa_keras.zoo.recipe import for_features

_DATA = flags.DEFINE_string(
    "data",
    None,
    "Required. Folder of records, as pipelines.write_records wrote it.",
    required=True,
)
_OUTPUT = flags.DEFINE_string(
    "output",
    None,
    "Required. Folder of the run, new or its own.",
    required=True,
)
_EPOCHS = flags.DEFINE_integer(
    "epochs", None, "Number of epochs. Default: the recipe's.", lower_bound=1
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size",
    None,
    "Questions per step, on all devices together. Default: the recipe's.",
    lower_bound=1,
)
_LEARNING_RATE = flags.DEFINE_float(
    "learning_rate",
    None,
    "Highest learning rate. Default: the recipe's.",
    lower_bound=0.0,
)
_SEED = flags.DEFINE_integer(
    "seed",
    None,
    "Seed of the weights and of the order of the questions. Default: the "
    "recipe's.",
    lower_bound=0,
)
_SET = flags.DEFINE_multi_string(
    "set",
    [],
    "Value of the recipe to replace, such as backbone.num_hops=3; repeat it "
    "for several.",
)
_FROM = flags.DEFINE_string(
    "from",
    None,
    "Run or preset whose weights the training starts from, words and answers "
    "matched by their text.",
)
_WORD_VECTORS = flags.DEFINE_string(
    "word_vectors",
    None,
    "File of pretrained word vectors in the text form of GloVe or fastText, "
    "with which the word embeddings start.",
)
_FREEZE = flags.DEFINE_list(
    "freeze",
    [],
    "Layers of the backbone that are not trained, such as question_encoder or "
    "question_encoder.word_embedding.",
)
_STRATEGY = flags.DEFINE_enum(
    "strategy",
    "none",
    training.STRATEGIES,
    "mirrored trains on all local devices, none on one.",
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
    "Compilation by XLA; auto leaves it to Keras.",
)
_RESUME = flags.DEFINE_bool(
    "resume", True, "Continues an unfinished run; --noresume starts anew."
)
_PUBLISH = flags.DEFINE_bool(
    "publish",
    False,
    "Also adds the results to the entry's results.json in the zoo.",
)


def main(argv):
    started = time.time()
    entry, recipe, settings, records = _recipe(argv)
    records.files.split("train")
    initializer = Initializer(
        records, _FROM.value, _WORD_VECTORS.value, _FREEZE.value
    )
    recipe = initializer.set_width(recipe)
    output = pathlib.Path(_OUTPUT.value)
    same = {
        "entry": entry,
        "recipe": recipe,
        **initializer.settings(),
        "precision": _PRECISION.value,
        "records": {
            name: [shard.sha256 for shard in split.shards]
            for name, split in records.info.splits.items()
        },
    }
    if _is_finished(output, same):
        results = read_results(output / RESULTS)
        print(f"finished     {output}; --noresume trains again")
    else:
        results = _train(
            entry, recipe, settings, records, initializer, output, started
        )
        write_json(output / RESULTS, results.to_json())
    if results.evaluation is None:
        print("accuracy     not measured: no test or validation split")
    else:
        print_evaluation(results.evaluation)
    size = results.parameters, results.trainable_parameters
    print(f"parameters   {describe_parameters(*size)}")
    print(f"run          {output}")
    if _PUBLISH.value:
        print(f"published    {_publish(entry, results)}")


def _recipe(argv):
    """Returns the entry, its recipe, overridden, `Settings` and `Records`."""
    if len(argv) == 1 and _FROM.value is not None:
        of_run = read_results(pathlib.Path(find(_FROM.value), RESULTS))
        entry, recipe = of_run.entry, of_run.recipe
    else:
        known = ", ".join(zoo.names())
        entry = one_argument(
            argv, "ENTRY", f"one entry of the zoo ({known}) or a recipe.toml"
        )
        recipe = zoo.load_recipe(entry)
    records = Records(_DATA.value)
    recipe, changed = for_features(recipe, records.info.features)
    if changed:
        print(f"recipe       {entry} for photographs: {', '.join(changed)}")
    recipe = zoo.set_values(recipe, _SET.value)
    if _PUBLISH.value and (entry.endswith(".toml") or _SET.value):
        raise UserError(
            "--publish must be of an entry as its recipe describes it. "
            f"Received: {entry} with --set={','.join(_SET.value)}"
        )
    for flag in (_EPOCHS, _BATCH_SIZE, _LEARNING_RATE, _SEED):
        if flag.value is not None:
            recipe["training"][flag.name] = flag.value
    source = f"The [training] of the recipe of {entry}"
    settings = Settings.from_json(recipe["training"], source)
    return entry, recipe, settings, records


def _is_finished(output, same):
    """Prepares the folder of the run, and returns whether it is finished.

    Args:
        output: `pathlib.Path` of the folder.
        same: dict of what must not differ where a run is continued.

    Raises:
        UserError: if the folder holds something else, or, with --resume, a run
            of other settings.
    """
    if output.exists() and not output.is_dir():
        raise UserError(
            f"--output must be a folder. Received: a file, {output}"
        )
    path = output / "training" / "settings.json"
    if path.is_file() and _RESUME.value:
        found = read_json(path)
        found = found if isinstance(found, dict) else {}
        for name, value in json.loads(json.dumps(same)).items():
            if found.get(name) != value:
                raise UserError(
                    f"{output} must hold a run with the same {name}; give its "
                    "command again, another --output, or --noresume to start "
                    f"anew. Found: {_difference(found.get(name), value)}"
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
    write_json(path, same)
    return False


def _difference(found, received):
    if isinstance(found, dict) and isinstance(received, dict):
        for name in sorted({**found, **received}):
            if found.get(name) != received.get(name):
                inner = _difference(found.get(name), received.get(name))
                return f"{name}: {inner}"
    return f"{found!r}. Received: {received!r}"


def _train(entry, recipe, settings, records, initializer, output, started):
    """Trains, saves the preset and returns the results."""
    interactive = sys.stdout.isatty()
    inputs = settings.inputs
    if inputs != "images":  # now, not when the training is over
        image_encoder = training.image_encoder_of(records, inputs)
    task, trained = training.train(
        initializer.then(functools.partial(build_task, recipe, records)),
        settings,
        records,
        output / "training",
        strategy=_STRATEGY.value,
        precision=_PRECISION.value,
        jit={"auto": "auto", "true": True, "false": False}[_JIT.value],
        verbose=1 if interactive else 2,
    )
    evaluated = _evaluate(task, records, inputs, interactive)
    flops = training.count_flops(task, records)
    if inputs == "images":
        folder = output / "image_encoder"
        task.backbone.image_encoder.save_to_preset(str(folder))
    elif image_encoder is not None:
        task = task.with_image_encoder(image_encoder)
    task.save_to_preset(str(output))
    return RunResults(
        entry=entry,
        dataset=records.info.dataset,
        metric="accuracy: exact match of the best answer, percent",
        evaluation=evaluated,
        weights_sha256=records.info.features
        and records.info.features.weights_sha256,
        parameters=task.count_params(),
        trainable_parameters=count_trainable(task),
        flops_per_question=flops,
        inputs=inputs,
        recipe=recipe,
        precision=_PRECISION.value,
        strategy=_STRATEGY.value,
        seed=settings.seed,
        training=trained,
        seconds=round(time.time() - started, 1),
        provenance=provenance(),
        initialization=initializer.done,
    )


def _evaluate(task, records, inputs, progress):
    """Evaluates the task on the test split, or else on validation, or not."""
    known = records.info.splits
    for split in ("test", "validation"):
        if split in known and evaluation.has_answers(records, split):
            predictions = evaluation.predict(
                task,
                records,
                split,
                inputs,
                progress=progress,
                regions_only=True,
            )
            return evaluation.evaluate(task, records, split, predictions)[0]
    return None


def _publish(entry, results):
    """Adds the results to the zoo, in place of those of the same seed."""
    path = zoo.entries() / entry / RESULTS
    published = read_published(path) if path.is_file() else []
    published = [r for r in published if r.seed != results.seed]
    published.append(results)
    published.sort(key=lambda r: r.seed)
    write_json(path, [r.to_json() for r in published])
    return path


if __name__ == "__main__":
    run(main)
