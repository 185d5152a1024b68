"""The files of a folder of checkpoints."""

import errno
import os
import pathlib
import re
import shutil
from collections.abc import Callable
from typing import Any
from typing import NamedTuple

import numpy as np

from vqa_keras.errors import UserError
from vqa_keras.files import file_sha256
from vqa_keras.files import flush_files
from vqa_keras.runs import checked_json

_UNFINISHED = "unfinished.weights.h5"
# All names that a training writes here; unfinished.json was one of 0.2.
_OWN = re.compile(
    r"epoch_\d+\.(json|weights\.h5)|unfinished\.(json|weights\.h5)"
    r"|\.epoch_\d+\.json\..*\.tmp"
)


class Saved(NamedTuple):
    """What an epoch's JSON file holds.

    Args:
        logs: of the epochs up to this one.
        seeds: states of the random seed generators.
        best_epoch: the best of these epochs, counted from 1.
    """

    logs: list[dict[str, float]]
    seeds: list[np.ndarray]
    best_epoch: int

    @property
    def epoch(self) -> int:
        """The epoch, counted from 1."""
        return len(self.logs)


class SavedEpochs:
    """A folder with two files per saved epoch.

    `epoch_k.json` states its own sha256, and size and sha256 of
    `epoch_k.weights.h5`, which gets its name last: a kill leaves an epoch whole
    or not at all.

    Args:
        directory: path of the folder.
    """

    def __init__(self, directory: pathlib.Path):
        self.directory = directory

    def path(self, epoch: int, suffix: str) -> pathlib.Path:
        """Returns the path of a file of an epoch."""
        return self.directory / f"epoch_{epoch}.{suffix}"

    def newest(self, skip_damaged: bool = True) -> Saved | None:
        """Returns the newest whole epoch, or None if none was saved.

        Args:
            skip_damaged: whether a newer epoch may be damaged, which is then
                printed with the reason.

        Raises:
            UserError: if no epoch is whole, or its best epoch is damaged.
        """
        found, skipped = None, []
        for epoch in sorted(self._epochs(), reverse=True):
            try:
                found = self._read(epoch)
                break
            except _Damaged as error:
                if not skip_damaged:
                    raise error.for_user() from error
                skipped.append(error)
        if skipped and found is None:
            raise skipped[0].for_user() from skipped[0]
        if found is None:
            return None
        for error in skipped:
            print(f"skipped      {error}; continues after epoch {found.epoch}")
        if found.best_epoch != found.epoch:
            try:
                self._read(found.best_epoch)
            except _Damaged as error:
                raise error.for_user("the best") from error
        return found

    def write(
        self,
        saved: Saved,
        save_weights: Callable[[pathlib.Path], None],
        needed: int,
    ) -> None:
        """Saves an epoch, then removes those neither newest nor best.

        Args:
            saved: `Saved`.
            save_weights: function of the path to write.
            needed: at most so many bytes are written.

        Raises:
            UserError: if the disk does not take it.
        """
        target = self.path(saved.epoch, "weights.h5")
        weights = self.directory / _UNFINISHED
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._reserve(weights, needed)
            save_weights(weights)
            flush_files([weights])
            of_weights = {
                "size": weights.stat().st_size,
                "sha256": file_sha256(weights),
            }
            state = {
                "logs": saved.logs,
                "seeds": [seed.tolist() for seed in saved.seeds],
                "best_epoch": saved.best_epoch,
                "weights": of_weights,
            }
            checked_json.write(self.path(saved.epoch, "json"), state)
            os.replace(weights, target)
            flush_files([self.directory])
        except (OSError, RuntimeError) as error:  # h5py raises both
            raise self._no_room(needed, str(error)) from error
        kept = {
            self.path(epoch, suffix).name
            for epoch in (saved.epoch, saved.best_epoch)
            for suffix in ("json", "weights.h5")
        }
        remove_own(self.directory, kept)

    def _reserve(self, path: pathlib.Path, needed: int) -> None:
        # h5py crashes the process when a disk fills up while it writes.
        free = shutil.disk_usage(self.directory).free
        if free < needed:
            raise self._no_room(needed, f"{free:,} bytes")
        path.unlink(missing_ok=True)  # of a kill, or a link to elsewhere
        if hasattr(os, "posix_fallocate"):  # which quotas and limits refuse
            descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o644)
            try:
                os.posix_fallocate(descriptor, 0, needed)
            except OSError as error:
                if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                    raise  # else: a file system that cannot tell
            finally:
                os.close(descriptor)
                path.unlink()

    def _no_room(self, needed: int, received: str) -> UserError:
        return UserError(
            f"{self.directory}: the disk must have {needed:,} bytes free for a "
            f"checkpoint. Received: {received}. Make room and give the same "
            "command again: it continues after the last saved epoch"
        )

    def _epochs(self) -> set[int]:
        """The saved epochs, also those without weights that had some."""
        weights = self._of_suffix("weights.h5")
        # A kill while epoch k is saved leaves its JSON beside epoch k - 1.
        texts = self._of_suffix("json")
        return weights | {e for e in texts if e > 1 and e - 1 not in weights}

    def _of_suffix(self, suffix: str) -> set[int]:
        names = self.directory.glob(f"epoch_*.{suffix}")
        epochs = (path.name.split(".")[0][6:] for path in names)
        return {int(epoch) for epoch in epochs if epoch.isdecimal()}

    def _read(self, epoch: int) -> Saved:
        """Returns a whole epoch; `_Damaged` if it is not."""
        path = self.path(epoch, "json")
        try:
            state = checked_json.read(path)
            saved = Saved(
                [
                    {name: float(value) for name, value in one.items()}
                    for one in state["logs"]
                ],
                [np.array(value, "uint32") for value in state["seeds"]],
                int(state["best_epoch"]),
            )
            size, sha256 = state["weights"]["size"], state["weights"]["sha256"]
        except OSError as error:
            raise _Damaged(path, error.strerror or "no file") from error
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise _Damaged(path, "other values") from error
        except ValueError as error:
            raise _Damaged(path, str(error)) from error
        if saved.epoch != epoch or not 1 <= saved.best_epoch <= epoch:
            raise _Damaged(path, f"logs of {saved.epoch} epochs")
        _check_weights(self.path(epoch, "weights.h5"), size, sha256)
        return saved


def damaged(path: pathlib.Path, received: str) -> UserError:
    """Returns the error for a checkpoint that cannot be used."""
    return _Damaged(path, received).for_user()


def remove_own(directory: pathlib.Path, kept: set[str] | None = None) -> None:
    """Removes the files of a training; what a link leads to stays.

    Args:
        directory: folder of the checkpoints.
        kept: names that stay. Defaults to none.
    """
    for path in directory.glob("*"):
        is_folder = path.is_dir() and not path.is_symlink()
        if _OWN.fullmatch(path.name) and not is_folder:
            if path.name not in (kept or set()):
                path.unlink(missing_ok=True)


class _Damaged(Exception):
    def __init__(self, path: pathlib.Path, received: Any):
        self.path = path
        self.received = received
        super().__init__(f"{path}, damaged: {received}")

    def for_user(self, which: str = "a") -> UserError:
        return UserError(
            f"{self.path} must be {which} checkpoint of this training. "
            f"Received: {self.received}. --noresume trains anew"
        )


def _check_weights(path: pathlib.Path, size: Any, sha256: Any) -> None:
    try:
        found = path.stat().st_size
        if found != size:
            raise _Damaged(path, f"{found} bytes, and not {size}")
        if file_sha256(path) != sha256:
            raise _Damaged(path, "content of another sha256")
    except OSError as error:
        raise _Damaged(path, error.strerror or "no file") from error
