"""The folder of a run while it is trained: new, unfinished or finished."""

import contextlib
import json
import pathlib
from typing import Any

from vqa_keras.errors import UserError
from vqa_keras.lock import LOCK
from vqa_keras.lock import one_writer
from vqa_keras.runs import checked_json
from vqa_keras.runs.finite import NotFinite
from vqa_keras.runs.results import RESULTS
from vqa_keras.runs.saved_epochs import SavedEpochs
from vqa_keras.runs.saved_epochs import remove_own

# In settings.json, beside the settings themselves.
_EARLIER = "earlier_epochs"
_NOT_FINITE = "not_finite"


def is_finished(
    output: pathlib.Path, same: dict[str, Any], resume: bool
) -> bool:
    """Prepares the folder of a run, and returns whether it is finished.

    A run of fewer epochs is unfinished: its training continues. One that
    diverged is finished only with its last finite epoch.

    Args:
        output: path of the folder.
        same: what must not differ where a run is continued; of
            `same["recipe"]["training"]` the `epochs` may be more, or the
            finite ones of a training that diverged.
        resume: whether to continue a run that is there, or to start anew.

    Raises:
        UserError: if the folder holds something else, or, with `resume`, a run
            of other settings; `NotFinite` for one that diverged.
    """
    if output.exists() and not output.is_dir():
        raise UserError(
            f"--output must be a folder. Received: a file, {output}"
        )
    path = _settings_path(output)
    if path.is_file() and resume:
        return _continues(output, path, json.loads(json.dumps(same)))
    others = {p.name for p in output.glob("*")} - {"training"}
    if not path.is_file():
        others |= _saved_without_settings(output)
    if others and not path.is_file():
        raise UserError(
            f"--output must be a new folder or one of a run. Received: "
            f"{output}, which holds {', '.join(sorted(others)[:5])}"
        )
    checkpoints = _checkpoints(output)
    if path.is_file():
        _check_no_links(output, path.parent, checkpoints)
    # In this order: a kill leaves a run that is unfinished, not a mixture.
    (output / RESULTS).unlink(missing_ok=True)
    remove_own(checkpoints)
    checked_json.write(path, same)
    return False


def _check_no_links(*folders: pathlib.Path) -> None:
    for folder in folders:
        if folder.is_symlink():
            raise UserError(
                "--noresume must be given with a folder of files to remove. "
                f"Received: {folder}, a link to {folder.resolve()}"
            )


def _saved_without_settings(output: pathlib.Path) -> set[str]:
    """The checkpoints of a folder without settings: another program's."""
    checkpoints = _checkpoints(output)
    return {f"training/checkpoints/{p.name}" for p in checkpoints.glob("*")}


def _continues(
    output: pathlib.Path, path: pathlib.Path, same: dict[str, Any]
) -> bool:
    """Whether the run is finished; refuses one of other settings."""
    found = _read(path, same)
    before, epochs = _epochs(found), _epochs(same)
    failed = found.get(_NOT_FINITE)
    finite = failed["epoch"] - 1 if failed else None
    changes = 0 < before < epochs or (failed and 0 < before != epochs)
    for name, value in same.items():
        known: Any = found.get(name)
        if changes and name == "recipe" and known:
            training = {**known["training"], "epochs": epochs}
            known = {**known, "training": training}
        if known != value:
            raise UserError(
                f"{output} must hold a run with the same {name}; give its "
                "command again, another --output, or --noresume to start "
                f"anew. Found: {_difference(known, value)}"
            )
    if failed and epochs != finite:
        raise NotFinite(failed["epoch"], failed["received"])
    if changes:
        at_least = before if (output / RESULTS).is_file() else 0
        _check_checkpoints(output, same.get("seeds"), finite or at_least)
        (output / RESULTS).unlink(missing_ok=True)
        earlier = [*found.get(_EARLIER, []), before]
        more = {_EARLIER: earlier, **({_NOT_FINITE: failed} if failed else {})}
        checked_json.write(path, {**same, **more})
        if failed:
            print(
                f"ends         {output} at epoch {epochs}, the last finite one "
                f"of a training of {before}"
            )
        else:
            print(
                f"continues    {output}, of {before} epochs, to {epochs}; from "
                f"there the learning rate is that of a training of {epochs}"
            )
    return (output / RESULTS).is_file()


def _check_checkpoints(
    output: pathlib.Path, seeds: list[int] | None, epochs: int
) -> None:
    """Refuses checkpoints that cannot be continued, before results go."""
    if seeds:  # an ensemble, whose runs may be deleted
        for seed in seeds:
            folder = _checkpoints(output / f"seed_{seed}")
            SavedEpochs(folder).newest(skip_damaged=False)
        return
    saved = SavedEpochs(_checkpoints(output)).newest(skip_damaged=False)
    found = saved.epoch if saved else 0
    if found < epochs:
        raise UserError(
            f"{_checkpoints(output)} must hold epoch {epochs}. Received: "
            f"{f'epoch {found}' if found else 'no epoch'}. --noresume trains "
            "anew"
        )


def _read(path: pathlib.Path, same: dict[str, Any]) -> dict[str, Any]:
    """Returns the settings of a run; those of version 0.1 have no hash."""
    known = {*same, _EARLIER, _NOT_FINITE, checked_json.SHA256}
    try:
        found = checked_json.parse(path.read_bytes())
        unknown = sorted(found.keys() - known)
        if unknown:  # such as a damaged "sha256"
            raise ValueError(f"the key {unknown[0]!r}")
        if not isinstance(found.get(_EARLIER, []), list):
            raise ValueError(f"{_EARLIER} {found[_EARLIER]!r}")
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path} must be the settings of this training. Received: {error}. "
            "--noresume trains anew"
        ) from error
    return found


def set_not_finite(output: pathlib.Path, error: NotFinite) -> None:
    """Writes that the training of a run diverged: it is not tried again."""
    path = _settings_path(output)
    failed = {"epoch": error.epoch, "received": error.received}
    found = checked_json.read(path)
    checked_json.write(path, {**found, _NOT_FINITE: failed})


def one_training(
    output: pathlib.Path,
) -> contextlib.AbstractContextManager[None]:
    """Keeps other processes from training the run of a folder."""
    # In `training`: all other files of the folder belong to the preset.
    return one_writer(output, output / "training" / LOCK)


def earlier_epochs(output: pathlib.Path) -> list[int]:
    """Returns the epochs that a run had each time before it got others."""
    settings = checked_json.parse(_settings_path(output).read_bytes())
    return list(settings.get(_EARLIER, []))


def _settings_path(output: pathlib.Path) -> pathlib.Path:
    return output / "training" / "settings.json"


def _checkpoints(output: pathlib.Path) -> pathlib.Path:
    return output / "training" / "checkpoints"


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
