"""Builds the model of a zoo entry and prints its layers and parameters.

    python -m vqa_keras.zoo.build stacked [--output=stacked.keras]
    python -m vqa_keras.zoo.build --list

The argument is an entry, which --list names, or the path of a recipe that ends
in .toml. No data is required. keras.saving.load_model opens the saved file
where vqa_keras is imported.
"""

from absl import flags

from vqa_keras import zoo
from vqa_keras.command import run
from vqa_keras.errors import UserError
from vqa_keras.runs.parameters import count_trainable
from vqa_keras.runs.parameters import describe_parameters
from vqa_keras.zoo.arguments import one_argument
from vqa_keras.zoo.outputs import check_output

_LIST = flags.DEFINE_bool(
    "list", False, "Lists the entries of the zoo, with mechanism and source."
)
_OUTPUT = flags.DEFINE_string(
    "output",
    None,
    "File to save the untrained model in, ending in .keras. Without it none is "
    "saved.",
)


def main(argv):
    if _LIST.value:
        for name in zoo.names():
            recipe = zoo.load_recipe(name)
            print(f"{name:23} {recipe['mechanism']:53} {recipe['source']}")
        return
    known = ", ".join(zoo.names())
    entry = one_argument(
        argv, "ENTRY", f"one entry of the zoo ({known}) or a recipe.toml"
    )
    if _OUTPUT.value and not _OUTPUT.value.endswith(".keras"):
        raise UserError(
            f"--output must end in .keras. Received: {_OUTPUT.value}"
        )
    check_output(_OUTPUT.value)
    recipe = zoo.load_recipe(entry)
    ngrams = recipe.get("head", {}).get("ngrams")
    task = zoo.build_model(
        recipe, **({"head_ngrams": [0, 0, 0]} if ngrams else {})
    )
    describe(task, recipe.get("source", entry))
    if ngrams:
        print("n-grams      counted in a training, with their parameters")
    if _OUTPUT.value:
        task.save(_OUTPUT.value)
        print(f"saved        {_OUTPUT.value}")


def describe(task, source):
    """Prints layers, parameter count, inputs, attention maps and source."""
    task.backbone.summary()
    task.summary()
    print(f"model        {type(task.backbone).__name__}")
    size = task.count_params(), count_trainable(task)
    print(f"parameters   {describe_parameters(*size)}")
    for name, tensor in sorted(task.backbone.input.items()):
        print(f"input        {name} {tensor.shape} {tensor.dtype}")
    for name, tensor in task.backbone.output["attention"].items():
        print(f"attention    {name} {tensor.shape}")
    print(f"answers      {task.num_classes}")
    print(f"source       {source}")


if __name__ == "__main__":
    run(main)
