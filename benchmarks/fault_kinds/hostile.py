"""Opens hostile files under limits of time and memory, beside a canary."""

import pathlib
import sys
import tempfile
import time

from fault_kinds import hostile_files
from fault_kinds.outcome import EQUAL
from fault_kinds.outcome import SILENT
from fault_kinds.outcome import TRACEBACK
from fault_kinds.outcome import Outcome
from fault_kinds.outcome import judge

_SECONDS = 60
_MEGABYTES = 600  # that opening a file may take
_NOT_READ = ("shard", "vocabulary")  # even where the content is equal


class Hostile:
    """Cases of one hostile file each, in turn.

    Each must be refused, or not be read at all, and run no code.

    Args:
        workspace: `Workspace`.
    """

    name = "hostile"
    timeout = 300

    def __init__(self, workspace):
        self.workspace = workspace

    def computes(self, number):
        """Whether cases share a process: the memory of each is measured."""
        return False

    def describe(self, number):
        """Returns the file of a case."""
        makers = list(hostile_files.MAKERS)
        return makers[number % len(makers)]

    def run(self, number):
        """Returns the `Outcome` of a case."""
        what = self.describe(number)
        with tempfile.TemporaryDirectory(
            dir=self.workspace.folder / "cases"
        ) as folder:
            folder = pathlib.Path(folder)
            open_file = hostile_files.MAKERS[what](folder, self.workspace.whole)
            known = list(self.workspace.facts["signatures"].values())
            sys.path.insert(0, str(folder))
            _reset_peak()
            before, start = _peak(), time.monotonic()
            outcome = judge(what, lambda: open_file() in known, True)
            seconds = time.monotonic() - start
            grown = (_peak() - before) // 1024
            cost = f"{seconds:.1f} s, {grown} MB; {outcome.remark}"
            if (folder / hostile_files.CANARY).exists():
                return Outcome(SILENT, what, f"ran its code; {cost}")
            if grown > _MEGABYTES or seconds > _SECONDS:
                return Outcome(TRACEBACK, what, f"too much: {cost}")
            if outcome.outcome == EQUAL and what.startswith(_NOT_READ):
                return Outcome(SILENT, what, "not refused")
            return outcome._replace(remark=cost)


def _reset_peak():
    pathlib.Path("/proc/self/clear_refs").write_text("5")


def _peak():
    """Returns the largest memory since `_reset_peak`, in kB."""
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM"))
    return int(line.split()[1])
