"""The benchmarks run on a few images; their measurements are correct."""

import itertools
import pathlib
import runpy

import pytest

from tests.fixtures.in_process import run_main

BENCHMARKS = pathlib.Path(__file__).parents[1] / "benchmarks"
ROWS = {
    "asking": ["bare graph", "answerer", "ask, array", "ask, file"],
    "extraction": ["bare loop", "records"],
    "predicting": ["decode, graph", "decode", "graph", "predict"],
    "reading": [
        "file bytes",
        "load, shared",
        "load, shared and shuffled",
        "load",
        "load, a record per question",
        ".npz files",
    ],
    "writing": [
        "plain writer",
        "write_shard",
        "raw bytes",
        "with questions",
        "list of floats",
    ],
}
# They run whole commands for minutes; their parts are tested elsewhere.
NOT_RUN = {"backends", "faults", "memory"}


@pytest.fixture(scope="module")
def rounds():
    return runpy.run_path(str(BENCHMARKS / "support" / "rounds.py"))


def test_ways_alternate_and_the_first_round_does_not_count(rounds):
    called = []
    ways = {name: lambda name=name: called.append(name) for name in "ab"}
    clock = itertools.accumulate(itertools.count()).__next__
    seconds = rounds["measure"](ways, rounds=2, clock=clock)
    assert called == ["a", "b", "a", "b", "a", "b"]
    # The clock shows 0, 1, 3, 6, 10, ...: call k (from 0) takes 2 k + 1.
    assert seconds == {"a": [5, 9], "b": [7, 11]}


def test_ratio_is_the_median_of_the_ratios_of_each_round(rounds):
    seconds = {"a": [1.0, 10.0, 4.0], "b": [2.0, 10.0, 1.0]}
    assert rounds["ratios"](seconds, "a") == {"a": 1.0, "b": 1.0}
    assert rounds["ratios"](seconds, "b") == {"a": 1.0, "b": 1.0}
    seconds["b"] = [2.0, 40.0, 2.0]  # rounds: 1/2, 1/4, 2
    assert rounds["ratios"](seconds, "a")["b"] == 0.5


def test_table_compares_speeds_where_ways_do_unequal_work(rounds, capsys):
    rounds["print_table"](
        {"all": [2.0], "few": [1.0]}, "all", {"all": 100, "few": 10}, "images"
    )
    _, first, second = capsys.readouterr().out.splitlines()
    assert first.split() == ["all", "50", "1.00"]
    assert second.split() == ["few", "10", "0.20"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_prints_a_row_per_way(name, monkeypatch):
    flags = ["--asks=2" if name == "asking" else "--images=8", "--rounds=1"]
    if name == "extraction":
        flags.append("--image_encoder=MobileNet")  # of few layers
    monkeypatch.syspath_prepend(BENCHMARKS)
    path = str(BENCHMARKS / f"{name}.py")
    done = run_main(
        lambda: runpy.run_path(path, None, "__main__"), name, *flags
    )
    assert done.status == 0, done.stderr
    rows = [line.split("  ")[0] for line in done.stdout.splitlines()]
    assert [row for row in rows if row in ROWS[name]] == ROWS[name]


def test_every_benchmark_is_tested():
    assert {path.stem for path in BENCHMARKS.glob("*.py")} == NOT_RUN | set(
        ROWS
    )
