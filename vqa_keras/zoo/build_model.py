"""Builds the model of a recipe, alone or for the data of records."""

import functools
import importlib

from vqa_keras import data
from vqa_keras import image_encoders
from vqa_keras import layers
from vqa_keras import models
from vqa_keras import text
from vqa_keras.errors import UserError
from vqa_keras.zoo import recipe as recipes

_HEAD_ARGUMENTS = {
    "num_classes": "num_classes",
    "activation": "activation",
    "head_hidden_dim": "hidden_dim",
    "head_dropout": "dropout",
    "head_ngrams": "ngrams",
}


def build_model(entry, preprocessor=None, dtype=None, **overrides):
    """Returns the untrained task that an entry's recipe describes.

    Args:
        entry: str, one of `vqa_keras.zoo.names()` or the path of a recipe that
            ends in `.toml`; or a recipe, the dict from `load_recipe`.
        preprocessor: optional `VQAPreprocessor`.
        dtype: dtype policy of the computation, such as "mixed_bfloat16".
        **overrides: arguments of the backbone or of the head in place of the
            recipe's, such as `num_hops=3`, `num_classes=1000`,
            `image_encoder=encoder` or `contextualizer=layer`. `hidden_dim` and
            `dropout` are the backbone's; `head_hidden_dim`, `head_dropout` and
            `head_ngrams`, the n-grams of `text.count_ngrams`, the head's.

    Raises:
        UserError: for an unknown entry, model or argument, naming the known
            ones.

    Example:
    ```python
    task = vqa_keras.zoo.build_model("stacked", num_hops=1)
    task.compile(optimizer="adam")
    ```
    """
    recipe = entry if isinstance(entry, dict) else recipes.load_recipe(entry)
    missing = {"model", "backbone", "head"} - recipe.keys()
    if missing:
        raise UserError(
            "The recipe must have model, [backbone] and [head]. Received: no "
            f"{', '.join(sorted(missing))}"
        )
    backbone_class = _backbone_class(recipe["model"])
    backbone_names = {*backbone_class.arguments(), "name", "trainable"}
    backbone = {**recipe["backbone"], "dtype": dtype}
    head = {**recipe["head"], "preprocessor": preprocessor}
    if "image_encoder" not in overrides:
        backbone["image_encoder"] = build_image_encoder(recipe, dtype)
    if "contextualizer" not in overrides:
        backbone["contextualizer"] = _build_contextualizer(recipe, dtype)
    for name, value in overrides.items():
        if name in backbone_names:
            backbone[name] = value
        elif name in _HEAD_ARGUMENTS:
            head[_HEAD_ARGUMENTS[name]] = value
        else:
            known = sorted(backbone_names | set(_HEAD_ARGUMENTS))
            raise UserError(
                f"{recipe['model']} has no argument {name!r}. Known: "
                f"{', '.join(known)}"
            )
    if head.get("ngrams") is True:
        raise UserError(
            "`head_ngrams` must be the n-grams of the training questions, as "
            "text.count_ngrams returns them, for [head] ngrams = true. "
            "Received: none"
        )
    return models.VQA(backbone_class(**backbone), **head)


def _backbone_class(name):
    """Returns the class of a model: ours, or `package.module:Class`."""
    module, colon, attribute = name.rpartition(":")
    try:
        place = importlib.import_module(module) if colon else models
        found = getattr(place, attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise UserError(
            "The model of a recipe must be a class of vqa_keras.models or "
            f"package.module:Class. Received: {name} ({error})"
        ) from error
    if not (isinstance(found, type) and issubclass(found, models.VQABackbone)):
        raise UserError(
            "The model of a recipe must be a subclass of VQABackbone. "
            f"Received: {name}"
        )
    return found


def _build_contextualizer(recipe, dtype):
    if "contextualizer" not in recipe:
        return None
    arguments = {**recipe["contextualizer"], "dtype": dtype}
    layer_class = getattr(layers, arguments.pop("layer"))
    return layer_class(name="contextualizer", **arguments)


def build_image_encoder(recipe, dtype=None):
    """Returns the untrained CNN inside a recipe's model, or None."""
    if "image_encoder" not in recipe:
        return None
    arguments = {**recipe["image_encoder"], "dtype": dtype}
    return getattr(image_encoders, arguments.pop("model"))(**arguments)


def build_task(recipe, records, dtype="float32"):
    """Returns the recipe's untrained task for the data of `records`."""
    image_encoder, sizes = None, {}
    inputs = recipe["training"]["inputs"]
    if inputs == "images":
        image_encoder = build_image_encoder(recipe, dtype)
    else:
        sizes = _feature_sizes(records, inputs)
    if recipe["backbone"].get("position_grid"):
        sizes["position_grid"] = records.grid_shape
        if image_encoder is not None:
            sizes["position_grid"] = image_encoder.output_shape[1:3]
    if recipe["head"].get("ngrams"):
        sizes["head_ngrams"] = _training_ngrams(records)
    preprocessor = models.VQAPreprocessor(
        records.tokenizer(),
        records.answers,
        image_encoder and image_encoder.input_shape[1:3],
    )
    return build_model(
        recipe,
        preprocessor=preprocessor,
        dtype=dtype,
        vocabulary_size=len(records.vocabulary),
        num_classes=len(records.answers),
        image_encoder=image_encoder,
        **sizes,
    )


@functools.lru_cache(
    maxsize=1
)  # of the task that trains and that which is kept
def _training_ngrams(records):
    """Returns the n-grams of the questions that a training reads."""
    token_ids = data.token_ids(records, "train", in_vocabulary_only=True)
    return text.count_ngrams(token_ids, len(records.vocabulary))


def _feature_sizes(records, inputs):
    """Returns the arguments of the backbone that depend on the features."""
    shapes = records.feature_shapes(inputs)
    if inputs == "regions":
        return {"regions_dim": shapes["regions"][-1]}
    return {"grid_shapes": list(shapes.values())}
