"""Prepares the folder of a run: new, to be continued, or finished."""

import copy
import json
import pathlib
from typing import Any
from typing import NamedTuple

from vqa_keras.errors import UserError
from vqa_keras.files import read_json
from vqa_keras.files import write_json
from vqa_keras.runs.results import RESULTS

# Values of the settings that a run may be continued with higher ones of.
_GROWING = (("recipe", "training", "epochs"), ("patience",))


class Prepared(NamedTuple):
    """The state of the folder of a run.

    Args:
        is_finished: whether the training of these settings is over.
        earlier_epochs: the totals of epochs of the commands before, for which
            a part of the training followed its learning rate, in order.
    """

    is_finished: bool
    earlier_epochs: list[int]


def prepare(
    output: pathlib.Path, settings: dict[str, Any], resume: bool = True
) -> Prepared:
    """Prepares the folder of a run.

    With more epochs or more patience, a run is continued; its results are
    removed until it is finished again.

    Args:
        output: the folder.
        settings: what must otherwise not differ where a run is continued.
        resume: whether to continue a run; else it starts anew.

    Raises:
        UserError: if the folder holds something else, or, with `resume`, a run
            of other settings.
    """
    if output.exists() and not output.is_dir():
        raise UserError(
            f"--output must be a folder. Received: a file, {output}"
        )
    path = output / "training" / "settings.json"
    settings = json.loads(json.dumps(settings))
    if path.is_file() and resume:
        found = read_json(path)
        found = found if isinstance(found, dict) else {}
        earlier = found.get("earlier_epochs")
        earlier = list(earlier) if isinstance(earlier, list) else []
        grown = _grown(found, settings)
        for name, value in settings.items():
            if grown.get(name) != value:
                raise UserError(
                    f"{output} must hold a run with the same {name}; give its "
                    "command again, another --output, or --noresume to start "
                    "anew. Only --epochs and --patience may be higher. Found: "
                    f"{_difference(grown.get(name), value)}"
                )
        if all(found.get(name) == value for name, value in settings.items()):
            return Prepared((output / RESULTS).is_file(), earlier)
        epochs = _at(found, _GROWING[0])
        if epochs != _at(settings, _GROWING[0]):
            earlier.append(epochs)
        # In this order: a kill leaves a run that is continued all the same.
        (output / RESULTS).unlink(missing_ok=True)
        write_json(path, {**settings, "earlier_epochs": earlier})
        return Prepared(False, earlier)
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
    return Prepared(False, [])


def _grown(found: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Returns the found settings with those values that may be higher."""
    grown = copy.deepcopy(found)
    for keys in _GROWING:
        before, after = _at(found, keys), _at(settings, keys)
        if isinstance(before, int) and isinstance(after, int):
            parent = _at(grown, keys[:-1])
            parent[keys[-1]] = max(before, after)
    return grown


def _at(values: Any, keys: tuple[str, ...]) -> Any:
    """Returns the value at a path of keys, or None."""
    for key in keys:
        values = values.get(key) if isinstance(values, dict) else None
    return values


def _difference(found: Any, received: Any) -> str:
    if isinstance(found, dict) and isinstance(received, dict):
        for name in sorted({**found, **received}):
            if found.get(name) != received.get(name):
                inner = _difference(found.get(name), received.get(name))
                return f"{name}: {inner}"
    return f"{found!r}. Received: {received!r}"
