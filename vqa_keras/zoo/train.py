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

import dataclasses
import functools
import pathlib
import sys

from absl import flags

from vqa_keras import zoo
from vqa_keras.command import run
from vqa_keras.data import Records
from vqa_keras.errors import UserError
from vqa_keras.files import write_json
from vqa_keras.presets import find
from vqa_keras.runs.initialization import Initializer
from vqa_keras.runs.kept_epoch import describe_epoch
from vqa_keras.runs.parameters import describe_parameters
from vqa_keras.runs.print_evaluation import print_evaluation
from vqa_keras.runs.results import RESULTS
from vqa_keras.runs.results import read_published
from vqa_keras.runs.results import read_results
from vqa_keras.runs.train_run import Plan
from vqa_keras.runs.train_run import train_run
from vqa_keras.runs.train_seeds import print_seeds
from vqa_keras.runs.train_seeds import train_seeds
from vqa_keras.runs.training import STRATEGIES
from vqa_keras.runs.training import check_patience
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
_SEEDS = flags.DEFINE_list(
    "seeds",
    None,
    "Seeds of several runs, such as 0,1,2, in folders of --output; --output is "
    "then the run whose answers are those of their mean probabilities.",
)
_PATIENCE = flags.DEFINE_integer(
    "patience",
    None,
    "Number of epochs without a better validation accuracy after which the "
    "training stops. Default: none, all epochs.",
    lower_bound=1,
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
    STRATEGIES,
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
    entry, recipe, records = _recipe(argv)
    records.files.split("train")
    initializer = Initializer(
        records, _FROM.value, _WORD_VECTORS.value, _FREEZE.value
    )
    recipe = initializer.set_width(recipe)
    plan = Plan(
        entry=entry,
        recipe=recipe,
        records=records,
        build_task=functools.partial(build_task, recipe, records),
        initializer=initializer,
        patience=_PATIENCE.value,
        strategy=_STRATEGY.value,
        precision=_PRECISION.value,
        jit={"auto": "auto", "true": True, "false": False}[_JIT.value],
        resume=_RESUME.value,
        interactive=sys.stdout.isatty(),
    )
    check_patience(records, plan.patience)
    output = pathlib.Path(_OUTPUT.value)
    if _SEEDS.value is not None:
        results = train_seeds(plan, output, _seeds())
        print_seeds(results.seeds)
    else:
        results = train_run(plan, output)
    if results.evaluation is None:
        print("accuracy     not measured: no test or validation split")
    else:
        print_evaluation(results.evaluation, results.training)
    if results.seeds is None:
        print(f"epoch        {describe_epoch(results.training)}")
    size = results.parameters, results.trainable_parameters
    print(f"parameters   {describe_parameters(*size)}")
    print(f"run          {output}")
    if _PUBLISH.value:
        print(f"published    {_publish(entry, results)}")


def _recipe(argv):
    """Returns the entry, its recipe, overridden by flags, and `Records`."""
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
    return entry, recipe, records


def _seeds():
    """Returns the values of --seeds."""
    seed, publish = _SEED.value, _PUBLISH.value
    for name, is_given in (("seed", seed is not None), ("publish", publish)):
        if is_given:
            raise UserError(
                f"--seeds must be given without --{name}. Received: both"
            )
    try:
        seeds = [int(value) for value in _SEEDS.value]
    except ValueError:
        seeds = []
    if len(set(seeds)) < max(2, len(_SEEDS.value)) or min(seeds) < 0:
        raise UserError(
            "--seeds must be two or more different whole numbers, such as "
            f"0,1,2. Received: {','.join(_SEEDS.value) or 'nothing'}"
        )
    return seeds


def _publish(entry, results):
    """Adds the results to the zoo, in place of those of the same seed."""
    path = zoo.entries() / entry / RESULTS
    published = read_published(path) if path.is_file() else []
    published = [r for r in published if r.seed != results.seed]
    # The zoo has the figures of the run, not its files.
    published.append(dataclasses.replace(results, files=None, sha256=None))
    published.sort(key=lambda r: r.seed)
    write_json(path, [r.to_json() for r in published])
    return path


if __name__ == "__main__":
    run(main)
