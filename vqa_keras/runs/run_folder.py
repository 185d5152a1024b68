"""The folder of a run while it is trained: new, unfinished or finished."""

import json
import pathlib
from typing import Any

from vqa_keras.errors import UserError
from vqa_keras.files import read_json
from vqa_keras.files import write_json
from vqa_keras.runs.results import RESULTS


def is_finished(
    output: pathlib.Path, same: dict[str, Any], resume: bool
) -> bool:
    """Prepares the folder of a run, and returns whether it is finished.

    A run of fewer epochs is unfinished: its training continues.

    Args:
        output: path of the folder.
        same: what must not differ where a run is continued; of
            `same["recipe"]["training"]` the `epochs` may be more.
        resume: whether to continue a run that is there, or to start anew.

    Raises:
        UserError: if the folder holds something else, or, with `resume`, a run
            of other settings.
    """
    if output.exists() and not output.is_dir():
        raise UserError(
            f"--output must be a folder. Received: a file, {output}"
        )
    path = output / "training" / "settings.json"
    if path.is_file() and resume:
        return _continues(output, path, json.loads(json.dumps(same)))
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


def _continues(
    output: pathlib.Path, path: pathlib.Path, same: dict[str, Any]
) -> bool:
    """Whether the run is finished; refuses one of other settings."""
    found = read_json(path)
    found = found if isinstance(found, dict) else {}
    before, epochs = _epochs(found), _epochs(same)
    more = 0 < before < epochs
    for name, value in same.items():
        known: Any = found.get(name)
        if more and name == "recipe" and known:
            training = {**known["training"], "epochs": epochs}
            known = {**known, "training": training}
        if known != value:
            raise UserError(
                f"{output} must hold a run with the same {name}; give its "
                "command again, another --output, or --noresume to start "
                f"anew. Found: {_difference(known, value)}"
            )
    if more:
        (output / RESULTS).unlink(missing_ok=True)
        earlier = [*earlier_epochs(output), before]
        write_json(path, {**same, "earlier_epochs": earlier})
        print(
            f"continues    {output}, of {before} epochs, to {epochs}; from "
            f"there the learning rate is that of a training of {epochs}"
        )
    return (output / RESULTS).is_file()


def earlier_epochs(output: pathlib.Path) -> list[int]:
    """Returns the epochs that a run had each time before it got more."""
    found = read_json(output / "training" / "settings.json")
    earlier = found.get("earlier_epochs") if isinstance(found, dict) else None
    return list(earlier) if isinstance(earlier, list) else []


def _epochs(same: dict[str, Any]) -> int:
    """The number of epochs of a run's settings; 0 if they are damaged."""
    recipe = same.get("recipe")
    training = recipe.get("training") if isinstance(recipe, dict) else None
    epochs = training.get("epochs") if isinstance(training, dict) else None
    return epochs if isinstance(epochs, int) else 0


def _difference(found: Any, received: Any) -> str:
    if isinstance(found, dict) and isinstance(received, dict):
        for name in sorted({**found, **received}):
            if found.get(name) != received.get(name):
                inner = _difference(found.get(name), received.get(name))
                return f"{name}: {inner}"
    return f"{found!r}. Received: {received!r}"
