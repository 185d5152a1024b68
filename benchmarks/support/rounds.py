"""Measures alternative ways of the same work in one run."""

import statistics
import time


def measure(ways, rounds, clock=time.perf_counter):
    """Returns the seconds of each way in each round.

    The ways alternate, because the speed of a machine changes by the minute:
    times of one round are neighbors and can be divided. An additional first
    round is not counted; it fills caches and builds graphs.

    Args:
        ways: dict, name -> function without arguments.
        rounds: int, number of rounds that count.
        clock: function that returns the time in seconds. Defaults to
            `time.perf_counter`.

    Returns:
        Dict, name -> list of `rounds` seconds.
    """
    seconds = {name: [] for name in ways}
    for _ in range(1 + rounds):
        for name, function in ways.items():
            start = clock()
            function()
            seconds[name].append(clock() - start)
    return {name: times[1:] for name, times in seconds.items()}


def ratios(seconds, base):
    """Returns the speed of each way as a multiple of the speed of `base`.

    Args:
        seconds: dict from `measure`.
        base: str, name of one of the ways.

    Returns:
        Dict, name -> median over the rounds of the seconds of `base` divided by
        those of the way.
    """
    return {
        name: statistics.median(
            b / t for b, t in zip(seconds[base], times, strict=True)
        )
        for name, times in seconds.items()
    }


def print_table(seconds, base, work, unit):
    """Prints one line per way: median speed and the ratio to the base.

    Args:
        seconds: dict from `measure`.
        base: str, name of the way whose ratio is 1.
        work: dict, name -> number of units per round.
        unit: str, name of the units, such as "questions".
    """
    width = max(map(len, seconds))
    speed = f"{unit} per second"
    print(f"{'':{width}}  {speed:>20}  {'ratio':>6}")
    for name, ratio in ratios(seconds, base).items():
        value = work[name] / statistics.median(seconds[name])
        ratio *= work[name] / work[base]
        print(f"{name:{width}}  {value:20,.0f}  {ratio:6.2f}")
