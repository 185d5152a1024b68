"""Two processes of one command at once, on one output."""

import pathlib
import tempfile
import time

from support import forks

from fault_kinds.command_cases import CommandCases
from fault_kinds.damaged import compare
from fault_kinds.outcome import LOST
from fault_kinds.outcome import REFUSED
from fault_kinds.outcome import judge_ended


class Pairs(CommandCases):
    """Cases of two processes, the second one started at a random moment.

    Each must succeed or be refused by name, not both refused, and the output
    must be the undisturbed one.

    Args:
        workspace: `Workspace`.
    """

    name = "pairs"

    def run(self, number):
        """Returns the `Outcome` of a case."""
        command = self.command(number)
        rng = self.workspace.rng(self.name, number)
        with tempfile.TemporaryDirectory(
            dir=self.workspace.folder / "cases"
        ) as folder:
            folder = pathlib.Path(folder)
            output = folder / command.output
            run = forks.command(
                command.module,
                *command.arguments(self.workspace.whole, output),
            )
            both = []
            for name in ("first", "second"):
                (folder / name).mkdir()
                both.append(forks.Fork(run, folder / name))
                seconds = self.workspace.facts["seconds"][command.name]
                if name == "first":
                    time.sleep(rng.uniform(0, seconds / 2))
            ends = [judge_ended(command.name, fork.ended()) for fork in both]
            bad = [end for end in ends if end and end.outcome != REFUSED]
            if bad:
                return bad[0]
            if None not in ends:
                remark = " | ".join(end.remark for end in ends)
                return ends[0]._replace(outcome=LOST, remark=remark)
            equal = compare(self.workspace, command, output, command.name)
            refused = [end for end in ends if end]
            if equal.outcome == "equal" and refused:
                return refused[0]
            return equal
