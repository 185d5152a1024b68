"""Finds, reads and changes recipes."""

import copy
import difflib
import json
import pathlib
import tomllib

from vqa_keras.errors import UserError
from vqa_keras.files import zoo_folder as entries

_OF_DRAWINGS = "grid_cnn"  # the CNN of all recipes, trained on drawings


def names():
    """Returns the sorted names of the model entries.

    An entry is a folder with a recipe directly below `entries()`. Recipes
    deeper down, such as `image_encoders/grid_cnn`, make parts of models.
    """
    return [name for name in _all_names() if "/" not in name]


def load_recipe(name):
    """Returns the recipe of entry `name` as a dict.

    Args:
        name: a name of `names()`, or the path inside the zoo of a recipe
            deeper down, such as `"image_encoders/grid_cnn"`; or the path of a
            recipe of one's own, which ends in `.toml`.

    Raises:
        UserError: if the zoo has no such entry, with the list of all entries;
            or if its recipe cannot be read or is not TOML, with the file and
            the line.
    """
    if name.endswith(".toml"):
        path = pathlib.Path(name)
    elif name in _all_names():
        path = entries() / name / "recipe.toml"
    else:
        known = names()
        close = difflib.get_close_matches(name, known, 1)
        hint = f"; did you mean {close[0]}?" if close else "."
        raise UserError(
            f"The zoo has no entry named {name!r}{hint} Known: "
            f"{', '.join(known)}; or the path of a recipe, which ends in .toml"
        )
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(
            f"{path} must be a readable file. Received: {error.strerror}"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path} is not valid TOML: {error}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path} is not valid TOML: it must be UTF-8. Received: byte "
            f"{error.object[error.start]:#x} (at line {line})"
        ) from error


def for_features(recipe, features):
    """Returns a recipe for the features of records, and what that changed.

    A recipe's values are for drawings. Its [photographs], such as
    `backbone.normalize_image = false`, replace some of them where the features
    it takes come from another CNN than `grid_cnn`, or from files.

    Args:
        recipe: dict from `load_recipe`.
        features: `vqa_keras.data.features.Features`, or None without features.

    Returns:
        recipe: a recipe without [photographs].
        changed: list of str, such as `"backbone.normalize_image=false"`.

    Raises:
        UserError: for a value of [photographs] that does not fit the recipe.
    """
    recipe = dict(recipe)
    tables = recipe.pop("photographs", {})
    if features is None or features.name == _OF_DRAWINGS:
        return recipe, []
    if recipe["training"]["inputs"] == "images":  # it has a CNN of its own
        return recipe, []
    changed = []
    for table, values in tables.items():
        values = values if isinstance(values, dict) else {"": values}
        for name, value in values.items():
            changed.append(f"{table}.{name}={json.dumps(value)}")
    return set_values(recipe, changed, "[photographs]"), changed


def set_values(recipe, assignments, source="--set"):
    """Returns a recipe with some of its values replaced.

    Args:
        recipe: dict from `load_recipe`.
        assignments: list of str, such as `"backbone.num_hops=3"`, the value as
            TOML writes it.
        source: str. What messages call the assignments' source.

    Raises:
        UserError: for a name that is not in the recipe, with the closest one,
            or for a value of another type.

    Example:
    >>> set_values({"head": {"dropout": 0.0}}, ["head.dropout=0.5"])
    {'head': {'dropout': 0.5}}
    """
    recipe = copy.deepcopy(recipe)
    known = {
        f"{table}.{name}": (values, name)
        for table, values in recipe.items()
        if isinstance(values, dict)
        for name in values
    }
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if path not in known or not equals:
            close = difflib.get_close_matches(path, known, 1, 0)
            raise UserError(
                f"{source} must be NAME=VALUE with a NAME of the recipe. "
                f"Received: {assignment}; did you mean {' or '.join(close)}?"
            )
        values, name = known[path]
        values[name] = _value(f"{source}={path}", text, values[name])
    return recipe


def _value(where, text, before):
    """Returns a value written in TOML, which must be of the type before."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        parsed = {"value": text}  # a word without quotes
    value = parsed["value"] if len(parsed) == 1 else text
    if type(before) is float and type(value) is int:
        value = float(value)
    if type(value) is not type(before):
        raise UserError(
            f"{where} must be of type {type(before).__name__}, as "
            f"{before!r} in the recipe. Received: {text}"
        )
    return value


def _all_names():
    # Paths come from this listing only, so no name leaves the zoo.
    folder = entries()
    return sorted(
        path.parent.relative_to(folder).as_posix()
        for path in folder.rglob("recipe.toml")
        if path.parent != folder
    )
