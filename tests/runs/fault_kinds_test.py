"""The faults of `benchmarks/fault_kinds` are noticed, counted and resumed."""

import importlib
import pathlib
import random
import shutil
import signal
import subprocess
import sys

import pytest

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"
# A case is refused, one is silent, one is killed, and the others are equal.
SCRIPT = """
import os, pathlib, sys
from fault_kinds.journal import Journal
from fault_kinds.outcome import Outcome, judge
from fault_kinds.runner import Runner

class Workspace:
    def case_folder(self):
        path = pathlib.Path(sys.argv[1], str(len(os.listdir(sys.argv[1]))))
        path.mkdir()
        return path

class Kind:
    name = "toy"
    def computes(self, number):
        return True
    def describe(self, number):
        return f"case {number}"
    def run(self, number):
        if number == 2:
            os.kill(os.getpid(), 9)
        return judge("a file", lambda: int("x") if number == 1 else number % 2,
                     1 if number == 3 else number % 3 and number % 2)

journal = Journal(pathlib.Path(sys.argv[1], "results.jsonl"), 0)
Runner(Workspace(), journal, 2).run(Kind(), int(sys.argv[2]))
lines, passed = journal.table({"toy": int(sys.argv[2])})
print(lines[1], passed)
"""


@pytest.fixture
def kind(monkeypatch):
    """Returns `kind(name)`, which imports a module of `fault_kinds`."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return lambda name: importlib.import_module(f"fault_kinds.{name}")


def _run(folder, count):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, folder, str(count)],
        cwd=BENCHMARKS,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


@pytest.mark.slow
def test_a_case_that_dies_is_a_traceback_and_others_go_on(
    tmp_path,
):
    # Tried, refused, equal, different, traceback, lost, seconds, passed.
    found = _run(tmp_path, 5)
    assert found[:7] == ["toy", "5", "1", "3", "0", "1", "0"]
    assert found[-1] == "False"
    lines = (tmp_path / "results.jsonl").read_text().splitlines()
    assert _run(tmp_path, 6)[1] == "6"
    # Only the case that was missing is run.
    again = (tmp_path / "results.jsonl").read_text().splitlines()
    assert again[:5] == lines and len(again) == 6
    assert f"status -{signal.SIGKILL.value}" in "".join(lines)


def test_every_damage_changes_the_folder(kind, tmp_path):
    damage = kind("damage")
    for number in range(8):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "a").write_bytes(b"first" * 300)
        (folder / "b").write_bytes(b"second")
        other = tmp_path / f"{number}.other"
        other.write_bytes(b"of another run")
        before = {p.name: p.read_bytes() for p in folder.iterdir()}
        damage.damage(
            folder / "a", random.Random(0), number, [folder / "b"], other
        )
        after = {p.name: p.read_bytes() for p in folder.iterdir()}
        assert after != before


def test_a_flip_changes_one_bit(kind, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(100))
    kind("damage").flip(path, random.Random(1))
    changed = [byte for byte in path.read_bytes() if byte]
    assert len(changed) == 1 and changed[0].bit_count() == 1


@pytest.mark.parametrize(
    "function, expected, outcome",
    [
        (lambda: {"a": 1}, {"a": 1}, "equal"),
        (lambda: {"a": 1}, {"a": 2}, "silently different"),
        (lambda: {"a": 1}, {"a": 1, "b": 2}, "silently different"),
        (lambda: int("x"), 1, "refused with a reason"),
        (lambda: [][0], 1, "traceback"),
    ],
)
def test_an_outcome_is_judged_by_the_value_and_the_exception(
    kind, function, expected, outcome
):
    assert kind("outcome").judge("a file", function, expected)[0] == outcome


@pytest.mark.parametrize(
    "status, stderr, outcome",
    [
        (2, "error: too little", "refused with a reason"),
        (2, "Traceback\nerror: too little", "traceback"),
        (1, "error: too little", "traceback"),
        (2, "", "traceback"),
        (-9, "", "traceback"),
        (None, "", "traceback"),
    ],
)
def test_a_command_is_refused_by_status_two_and_a_line(
    kind, status, stderr, outcome
):
    forks = importlib.import_module("support.forks")
    ended = forks.Ended(status, "", stderr)
    judged = kind("outcome").judge_ended("a command", ended)
    assert judged.outcome == outcome


@pytest.mark.slow
def test_a_changed_weight_and_a_changed_figure_are_noticed(
    kind, run, other_run, tmp_path
):
    signatures = kind("signatures")
    expected = signatures.load_run(run)
    assert signatures.load_run(run) == expected
    for name in ("model.weights.h5", "task.weights.h5", "results.json"):
        copy = tmp_path / name
        shutil.copytree(run, copy)
        shutil.copyfile(other_run / name, copy / name)
        outcome = kind("outcome").judge(
            name, lambda copy=copy: signatures.load_run(copy), expected
        )
        assert outcome.outcome != "equal"


@pytest.fixture(scope="module")
def other_run(call, records, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "other"
    flags = f"--data={records}", f"--output={folder}", "--seed=2", "--epochs=1"
    done = call("train", "tiny", *flags)
    assert done.status == 0, done.stderr
    return folder
