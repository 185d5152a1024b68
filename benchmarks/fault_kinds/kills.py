"""SIGKILL at random moments of writing commands, then the same again."""

import json
import pathlib
import shutil
import tempfile

from support import forks

from fault_kinds.command_cases import CommandCases
from fault_kinds.damaged import compare
from fault_kinds.outcome import EQUAL
from fault_kinds.outcome import LOST
from fault_kinds.outcome import REFUSED
from fault_kinds.outcome import Outcome
from fault_kinds.outcome import judge_ended
from fault_kinds.workspace import ProbeFailed

_MOST = 3  # kills of one case


class Kills(CommandCases):
    """Cases of one command that is killed one to three times.

    The same command must then end with the undisturbed outcome and keep what
    the killed one had finished: shards, epochs, runs of seeds, lines.

    Args:
        workspace: `Workspace`.
    """

    name = "kills"

    def run(self, number):
        """Returns the `Outcome` of a case."""
        with tempfile.TemporaryDirectory(
            dir=self.workspace.folder / "cases"
        ) as folder:
            return self._run(number, pathlib.Path(folder))

    def _run(self, number, folder):
        command = self.command(number)
        rng = self.workspace.rng(self.name, number)
        output = folder / command.output
        kills, moments, before = rng.randint(1, _MOST), [], {}
        limit = self.workspace.facts["seconds"][command.name]
        while len(moments) < kills:
            fork = self._start(command, output, folder)
            moment = rng.uniform(0, limit)
            if fork.wait(moment):
                if fork.ended().status == 0 and not moments:
                    shutil.rmtree(output, ignore_errors=True)
                    output.unlink(missing_ok=True)
                    limit *= 0.7  # faster than it was undisturbed
                    continue
                break  # what was left took less
            fork.kill()
            moments.append(round(moment, 2))
            before = finished(output)
        ended = self._start(command, output, folder).ended()
        remark = f"killed after {moments} s"
        outcome = judge_ended(command.name, ended)
        if outcome is not None:
            if outcome.outcome == REFUSED:
                # It cannot be continued, or it was finished and is not
                # overwritten, such as a version of an exported model.
                whole = self._is_whole(command, output)
                outcome = outcome._replace(outcome=EQUAL if whole else LOST)
            remark = f"{remark}; {outcome.remark}"
            return outcome._replace(remark=remark, tried=len(moments))
        outcome = compare(self.workspace, command, output, command.name)
        lost = _lost(before, output, ended)
        if outcome.outcome == EQUAL and lost:
            outcome = Outcome(LOST, command.name, lost)
        remark = f"{remark}; {outcome.remark}"
        return outcome._replace(remark=remark, tried=len(moments))

    def _is_whole(self, command, output):
        try:
            found = compare(self.workspace, command, output, command.name)
        except ProbeFailed:  # not there, or not readable
            return False
        return found.outcome == EQUAL

    def _start(self, command, output, folder):
        arguments = command.arguments(self.workspace.whole, output)
        return forks.Fork(forks.command(command.module, *arguments), folder)


def finished(output):
    """Returns what a killed command had finished, by name."""
    if output.is_file():
        lines = output.read_bytes().splitlines(keepends=True)
        return {"lines": sum(line.endswith(b"\n") for line in lines)}
    found = {
        str(path.relative_to(output)): path.stat().st_mtime_ns
        for pattern in ("*.tfrecord", "seed_*/results.json")
        for path in output.glob(pattern)
        if path.suffix != ".tfrecord" or _is_finished_shard(path)
    }
    names = [p.name for p in output.glob("training/checkpoints/*.weights.h5")]
    epochs = [name.split(".")[0].removeprefix("epoch_") for name in names]
    epochs = [int(epoch) for epoch in epochs if epoch.isdecimal()]
    if epochs and not (output / "results.json").exists():
        found["epochs"] = max(epochs)
    return found


def _is_finished_shard(path):
    """Whether a shard has its marker, or all of the records are finished."""
    marker = path.with_name(f"{path.name}.done.json")
    return marker.exists() or path.with_name("dataset_info.json").exists()


def _lost(before, output, ended):
    """Returns what the command did again that was finished, or ""."""
    for name, value in before.items():
        if name == "epochs":
            results = json.loads((output / "results.json").read_text())
            resumed = results["resumed_after_epoch"]
            if resumed < value:
                return f"epoch {value} was saved, resumed after {resumed}"
        elif name == "lines":
            resumed = f"after {value} of " in ended.stdout
            if output.suffix == ".jsonl" and value and not resumed:
                if "all questions have a line" not in ended.stdout:
                    return f"{value} lines were finished: {ended.stdout[:200]}"
        elif (output / name).stat().st_mtime_ns != value:
            return f"{name} was finished and is written again"
    return ""
