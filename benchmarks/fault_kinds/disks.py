"""Disks that fill up while a command writes."""

import contextlib
import pathlib
import resource
import shutil
import tempfile

from support import forks
from support import system

from fault_kinds.command_cases import CommandCases
from fault_kinds.damaged import compare
from fault_kinds.outcome import LOST
from fault_kinds.outcome import REFUSED
from fault_kinds.outcome import judge_ended


class Disks(CommandCases):
    """Cases of one command on a disk of a random size, and then of enough.

    The disk is a tmpfs of 4 kB to the size of the undisturbed output; where
    mounting is not permitted, the size of files is limited. The command must
    end with status 2 and one line, or succeed where the space is enough; with
    enough space, the same command must give the undisturbed outcome.

    Args:
        workspace: `Workspace`.
    """

    name = "disks"

    def run(self, number):
        """Returns the `Outcome` of a case."""
        command = self.command(number)
        rng = self.workspace.rng(self.name, number)
        with (
            tempfile.TemporaryDirectory(
                dir=self.workspace.folder / "cases"
            ) as folder,
            contextlib.ExitStack() as stack,
        ):
            folder = pathlib.Path(folder)
            disk = folder / "disk"
            disk.mkdir()
            size = _size(self.workspace.whole / command.output)
            size = round(rng.uniform(1, max(1.0, size / 4096)) * 4096)
            mounted = system.mount(disk, size, stack)
            output = disk / command.output
            limits = {} if mounted else {resource.RLIMIT_FSIZE: size}
            what = f"{command.name} on {'tmpfs' if mounted else 'a limit'}"
            run = forks.command(
                command.module,
                *command.arguments(self.workspace.whole, output),
            )
            outcome = judge_ended(what, forks.Fork(run, folder, limits).ended())
            if outcome is not None and outcome.outcome != REFUSED:
                return outcome._replace(remark=f"{size}: {outcome.remark}")
            if outcome is None and command.name == "export":
                shutil.rmtree(output)  # which must be new
            if mounted:
                system.remount(disk, size * 20 + 2**24)
            again = judge_ended(what, forks.Fork(run, folder).ended())
            if again is not None:
                remark = f"{size}, and with space: {again.remark}"
                if again.outcome == REFUSED:
                    again = again._replace(outcome=LOST)
                return again._replace(remark=remark)
            equal = compare(self.workspace, command, output, what)
            if equal.outcome == "equal" and outcome is not None:
                return outcome._replace(remark=f"{size}: {outcome.remark}")
            return equal._replace(remark=f"{size}: {equal.remark}")


def _size(output):
    if output.is_file():
        return output.stat().st_size
    return sum(p.stat().st_size for p in output.rglob("*") if p.is_file())
