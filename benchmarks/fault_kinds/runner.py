"""Runs the cases of a kind in forks, and notes each as it ends."""

import collections
import json
import shutil
import sys
import time
import traceback

from support import forks

from fault_kinds.outcome import TRACEBACK
from fault_kinds.outcome import Outcome

_CHUNK = 10  # cases that compute in one process
_LINE = "outcomes.jsonl"


class Runner:
    """Runs cases, some of them at the same time.

    A kind has `name`; `run(number)`, which returns an `Outcome` or a list of
    them; `computes(number)`, whether `run` computes in its process, which then
    runs several cases, or starts forks of its own; and `describe(number)`, for
    the case of a process that dies.

    Args:
        workspace: `Workspace`.
        journal: `Journal`.
        jobs: int, number of processes.
    """

    def __init__(self, workspace, journal, jobs):
        self.workspace = workspace
        self.journal = journal
        self.jobs = jobs

    def run(self, kind, count):
        """Runs the cases 0 to `count` - 1 of a kind that are not finished."""
        done = {case["number"] for case in self.journal.of(kind.name, count)}
        waiting = collections.deque(_chunks(kind, count, done))
        running = []
        progress = _Progress(kind.name, count, len(done))
        while waiting or running:
            while waiting and len(running) < self.jobs:
                running.append(_Worker(kind, waiting.popleft(), self.workspace))
            time.sleep(0.01)
            for worker in list(running):
                ended = worker.poll()
                for number, outcomes, seconds in worker.outcomes():
                    self.journal.add(kind.name, number, outcomes, seconds)
                    progress.add()
                if ended:
                    running.remove(worker)
                    if worker.rest:
                        waiting.appendleft(worker.rest)
        progress.end()


def _chunks(kind, count, done):
    """Yields lists of numbers of cases for one process."""
    chunk = []
    for number in range(count):
        if number in done:
            continue
        if not kind.computes(number):
            yield [number]
            continue
        chunk.append(number)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


class _Worker:
    """A process that runs some cases; of one that dies, `rest` are left."""

    def __init__(self, kind, numbers, workspace):
        self.kind = kind
        self.rest = list(numbers)
        self.folder = workspace.case_folder()
        self._offset = 0
        self._changed = time.monotonic()
        self._found = []
        self._fork = forks.Fork(self._work, self.folder)

    def _work(self):
        with open(self.folder / _LINE, "w") as file:
            for number in self.rest:
                start = time.monotonic()
                try:
                    outcomes = self.kind.run(number)
                except Exception:
                    # Of the benchmark itself, and so to be seen.
                    text = traceback.format_exc()[-600:]
                    outcomes = Outcome(TRACEBACK, "the benchmark", text)
                if isinstance(outcomes, Outcome):
                    outcomes = [outcomes]
                seconds = time.monotonic() - start
                file.write(f"{json.dumps([number, outcomes, seconds])}\n")
                file.flush()

    def poll(self):
        """Returns whether the process has ended."""
        # Before the lines are read, of which it then writes no more.
        ended = self._fork.wait(0)
        self._read()
        if not ended:
            limit = getattr(self.kind, "timeout", forks.TIMEOUT)
            if time.monotonic() - self._changed < limit:
                return False
            self._fork.kill()
        if self.rest:
            end = self._fork.ended()
            how = f"status {end.status}" if ended else "hung"
            outcome = Outcome(
                TRACEBACK,
                self.kind.describe(self.rest[0]),
                f"the process ended: {how} {end.stderr[-200:]}",
            )
            seconds = time.monotonic() - self._changed
            self._found.append((self.rest.pop(0), [outcome], seconds))
        shutil.rmtree(self.folder, ignore_errors=True)
        return True

    def outcomes(self):
        """Returns the `(number, outcomes, seconds)` that are new."""
        found, self._found = self._found, []
        return found

    def _read(self):
        path = self.folder / _LINE
        if not path.exists():
            return
        with open(path) as file:
            file.seek(self._offset)
            text = file.read()
        whole = text[: text.rfind("\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            number, outcomes, seconds = json.loads(line)
            self.rest.remove(number)
            self._changed = time.monotonic()
            outcomes = [Outcome(*outcome) for outcome in outcomes]
            self._found.append((number, outcomes, seconds))


class _Progress:
    def __init__(self, name, count, done):
        self._name, self._count, self._done = name, count, done
        self._start, self._shown = time.monotonic(), 0.0

    def add(self):
        self._done += 1
        now = time.monotonic()
        if now - self._shown > 5:
            self._shown = now
            self._show("")

    def end(self):
        self._show("\n")

    def _show(self, end):
        seconds = time.monotonic() - self._start
        print(
            f"\r{self._name}: {self._done:,} of {self._count:,} cases, "
            f"{seconds:,.0f} s",
            end=end,
            file=sys.stderr,
            flush=True,
        )
