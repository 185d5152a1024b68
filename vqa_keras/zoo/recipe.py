"""Finds and reads the recipes in `zoo/`."""

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
            deeper down, such as `"image_encoders/grid_cnn"`.

    Raises:
        UserError: if the zoo has no such entry, with the list of all entries;
            or if its recipe is not TOML, with the file and the line.
    """
    known = _all_names()
    if name not in known:
        raise UserError(
            f"The zoo has no entry named {name!r}. Known: {', '.join(known)}"
        )
    path = entries() / name / "recipe.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path} is not valid TOML: {error}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path} is not valid TOML: it must be UTF-8. Received: byte "
            f"{error.object[error.start]:#x} (at line {line})"
        ) from error


def _all_names():
    # Paths come from this listing only, so no name leaves the zoo.
    folder = entries()
    return sorted(
        path.parent.relative_to(folder).as_posix()
        for path in folder.rglob("recipe.toml")
        if path.parent != folder
    )
