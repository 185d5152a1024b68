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

import pathlib
import time

from absl import flags

from vqa_keras import zoo
from vqa_keras.command import run
from vqa_keras.data import Records
from vqa_keras.errors import UserError
from vqa_keras.files import write_json
from vqa_keras.presets import find
from vqa_keras.runs import training
from vqa_keras.runs.initialization import Initializer
from vqa_keras.runs.parameters import describe_parameters
from vqa_keras.runs.print_evaluation import print_evaluation
from vqa_keras.runs.results import RESULTS
from vqa_keras.runs.results import read_published
from vqa_keras.runs.results import read_results
from vqa_keras.runs.selection import CHOSEN_ON
from vqa_keras.runs.selection import print_selection
from vqa_keras.runs.selection import selection
from vqa_keras.runs.settings import Settings
from vqa_keras.zoo.arguments import one_argument
from vqa_keras.zoo.arguments import seeds_of
from vqa_keras.zoo.recipe import for_features
from vqa_keras.zoo.train_run import Plan
from vqa_keras.zoo.train_run import train_run
from vqa_keras.zoo.train_seeds import print_seeds
from vqa_keras.zoo.train_seeds import train_seeds

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
    "Seeds such as 0,1,2: trains a run of each in OUTPUT/seed_0 and so on, and "
    "saves in OUTPUT a run whose probabilities are the mean of theirs.",
)
_PATIENCE = flags.DEFINE_integer(
    "patience",
    None,
    "Epochs without a better validation accuracy after which the training "
    "stops. Default: it does not.",
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
    seeds = _seeds()
    entry, recipe, settings, records = _recipe(argv)
    records.files.split("train")
    initializer = Initializer(
        records, _FROM.value, _WORD_VECTORS.value, _FREEZE.value
    )
    recipe = initializer.set_width(recipe)
    selection(records, _PATIENCE.value)  # refuses before a folder is made
    output = pathlib.Path(_OUTPUT.value)
    plan = Plan(
        entry=entry,
        recipe=recipe,
        settings=settings,
        records=records,
        initializer=initializer,
        patience=_PATIENCE.value,
        strategy=_STRATEGY.value,
        precision=_PRECISION.value,
        jit={"auto": "auto", "true": True, "false": False}[_JIT.value],
        resume=_RESUME.value,
    )
    if seeds is None:
        results = train_run(plan, output, started)
    else:
        results = train_seeds(plan, seeds, output, started)
        print_seeds(results.seeds)
    print_selection(results.training)
    if results.evaluation is None:
        print("accuracy     not measured: no test or validation split")
    else:
        chosen_on = results.training.selected == CHOSEN_ON
        print_evaluation(results.evaluation, chosen_on)
    size = results.parameters, results.trainable_parameters
    print(f"parameters   {describe_parameters(*size)}")
    print(f"run          {output}")
    if _PUBLISH.value:
        print(f"published    {_publish(entry, results)}")


def _seeds():
    """Returns the seeds of --seeds, or None."""
    seeds = seeds_of(_SEEDS.value)
    given = {"seed": _SEED.value is not None, "publish": _PUBLISH.value}
    for name, is_given in given.items():
        if seeds is not None and is_given:
            raise UserError(
                f"--seeds must be given without --{name}. Received: both"
            )
    return seeds


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
