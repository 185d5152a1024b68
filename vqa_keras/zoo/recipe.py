"""Finds, reads and changes recipes."""

import copy
import difflib
import pathlib
import tomllib

from vqa_keras.errors import UserError
from vqa_keras.files import zoo_folder as entries


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
        hint = f"; did you mean {close[0]}?" if close else ""
        raise UserError(
            f"The zoo has no entry named {name!r}{hint}. Known: "
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


def set_values(recipe, assignments):
    """Returns a recipe with some of its values replaced.

    Args:
        recipe: dict from `load_recipe`.
        assignments: list of str, such as `"backbone.num_hops=3"`, the value as
            TOML writes it.

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
                "--set must be NAME=VALUE with a NAME of the recipe. Received: "
                f"{assignment}; did you mean {' or '.join(close)}?"
            )
        values, name = known[path]
        values[name] = _value(path, text, values[name])
    return recipe


def _value(path, text, before):
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
            f"--set={path} must be of type {type(before).__name__}, as "
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
