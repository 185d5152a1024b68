"""Flipped bits and other damage in every kind of file that has a reader."""

import pathlib
import shutil
import tempfile
from typing import NamedTuple

import keras
from support import forks

from fault_kinds import signatures
from fault_kinds.commands import COMMANDS
from fault_kinds.damage import damage
from fault_kinds.damage import flip
from fault_kinds.outcome import EQUAL
from fault_kinds.outcome import SILENT
from fault_kinds.outcome import Outcome
from fault_kinds.outcome import difference
from fault_kinds.outcome import judge
from fault_kinds.outcome import judge_ended

_COMMAND = 20  # of so many cases, one is read by a command


class Area(NamedTuple):
    """Files that are read together.

    Args:
        name: str, folder or file in the workspace.
        other: str, the same of other data or of another seed; "" where a file
            stands alone, so that another whole one is no damage.
        weight: int, its part of the cases.
        doors: tuple of str, of `signatures.DOORS`; empty: the command that
            continues it.
        command: str, the `Command` that continues it or writes `figures.json`
            from it.
    """

    name: str
    other: str
    weight: int
    doors: tuple
    command: str = ""


AREAS = [
    Area("run", "other", 6, ("load_run", "from_preset"), "evaluate"),
    Area("pixels", "run", 3, ("load_run", "from_preset")),
    Area("shipped", "run", 3, ("load_run", "from_preset")),
    Area("records", "other_records", 5, ("records",), "evaluate"),
    Area("regions", "", 1, ("regions",)),
    Area("tasks", "", 1, ("keras_file",)),
    Area("interrupted", "other_interrupted", 2, (), "train"),
    Area("answers.jsonl", "", 1, (), "predict"),
]


class Damaged:
    """Cases of one damaged file each.

    Args:
        workspace: `Workspace`.
        name: "flips" for flipped bits, "damaged" for the rest.
    """

    def __init__(self, workspace, name):
        self.workspace = workspace
        self.name = name

    def computes(self, number):
        """Whether `run` computes, or starts a command."""
        _, area, _ = self._choose(number)
        by_command = area.command and number % _COMMAND == 7
        return bool(area.doors) and not by_command

    def describe(self, number):
        """Returns which file a case damages."""
        _, area, path = self._choose(number)
        return f"{area.name}/{path}"

    def run(self, number):
        """Returns the `Outcome` of a case."""
        with tempfile.TemporaryDirectory(
            dir=self.workspace.folder / "cases"
        ) as folder:
            return self._run(number, pathlib.Path(folder))

    def _choose(self, number):
        """Returns the case's `Random`, its area and file."""
        rng = self.workspace.rng(self.name, number)
        (area,) = rng.choices(AREAS, [area.weight for area in AREAS])
        return rng, area, rng.choice(self._files(area))

    def _files(self, area):
        whole = self.workspace.whole / area.name
        if whole.is_file():
            return [whole.name, *_beside(whole.name)]
        names = sorted(
            path.relative_to(whole).as_posix()
            for path in whole.rglob("*")
            if path.is_file() and path.stat().st_size
        )
        skipped = "training/tensorboard/" if not area.doors else "training/"
        return [name for name in names if not name.startswith(skipped)]

    def _run(self, number, folder):
        rng, area, name = self._choose(number)
        copy = folder / area.name
        whole = self.workspace.whole / area.name
        if whole.is_dir():
            shutil.copytree(whole, copy)
            root = copy
        else:
            root = folder
            _cut_answers(whole, copy)
        path = root / name
        if self.name == "flips":
            done = flip(path, rng)
        else:
            others = [
                root / other
                for other in self._files(area)
                if other != name
                and (root / other).is_file()
                and area.name != "regions"  # whole files of the user's
            ]
            counterpart = self.workspace.folder / "none"
            if area.other:
                counterpart = self.workspace.whole / area.other / name
            done = damage(path, rng, number, others, counterpart)
        what = f"{area.name}/{name}"
        outcome = (
            self._read(area, copy, name, rng, what)
            if self.computes(number)
            else self._command(area, copy, folder, what)
        )
        return outcome._replace(remark=f"{done}: {outcome.remark}")

    def _read(self, area, copy, name, rng, what):
        door, read = rng.choice(area.doors), area.name
        if name.startswith("image_encoder/"):
            door, read = "image_encoder", f"{area.name}/image_encoder"
            copy = copy / "image_encoder"
        keras.backend.clear_session()  # names of layers have numbers
        # Those of Keras, which loads the file, are its own.
        refusals = Exception if door == "keras_file" else ValueError
        return judge(
            f"{what} by {door}",
            lambda: signatures.DOORS[door](copy),
            self.workspace.expected(door, read),
            refusals,
        )

    def _command(self, area, copy, folder, what):
        (command,) = (c for c in COMMANDS if c.name == area.command)
        whole = self.workspace.whole
        if area.doors:  # reads the damaged copy in place of the whole
            output = folder / command.output
            replaced = str(whole / area.name), str(copy)
        else:  # continues it
            output, replaced = copy, ("\0", "")
        arguments = [
            str(argument).replace(*replaced)
            for argument in command.arguments(whole, output)
        ]
        what = f"{what} by {command.name}"
        run = forks.command(command.module, *arguments)
        ended = forks.Fork(run, folder).ended()
        return judge_ended(what, ended) or compare(
            self.workspace, command, output, what
        )


def compare(workspace, command, output, what):
    """Returns the `Outcome` of an output, beside the undisturbed one."""
    expected = workspace.expected(command.door, command.output)
    found = workspace.probe(signatures.DOORS[command.door], output)
    different = difference(*map(signatures.without_times, (found, expected)))
    return Outcome(SILENT if different else EQUAL, what, different)


def _cut_answers(whole, copy):
    """Copies a part of a file of answers, as a killed command leaves it."""
    lines = whole.read_bytes().splitlines(keepends=True)
    copy.write_bytes(b"".join(lines[: len(lines) // 2]) + lines[-1][:20])
    for name in _beside(whole.name):
        shutil.copyfile(whole.with_name(name), copy.with_name(name))


def _beside(name):
    """Returns the names of the files beside a file of answers."""
    return [f"{name}.settings.json", f"{name}.checksums"]
