"""Measures ways of doing the same work side by side, in one run."""

import statistics
import time


def measure(ways, rounds, clock=time.perf_counter):
    """Returns the seconds of every way in every round.

    The ways take turns, because a machine's speed changes by the minute: the
    times of one round are neighbors and can be divided. One round before the
    first is not counted; it fills caches and builds graphs.

    Args:
        ways: dict, name -> function without arguments.
        rounds: int, how many rounds count.
        clock: function that returns the time in seconds.

    Returns:
        dict, name -> list of `rounds` seconds.
    """
    seconds = {name: [] for name in ways}
    for _ in range(1 + rounds):
        for name, function in ways.items():
            start = clock()
            function()
            seconds[name].append(clock() - start)
    return {name: times[1:] for name, times in seconds.items()}


def ratios(seconds, base):
    """Returns how fast every way is, as a multiple of the speed of `base`.

    Args:
        seconds: what `measure` returned.
        base: name of one of the ways.

    Returns:
        dict, name -> median over the rounds of base's seconds divided by the
        way's.
    """
    return {
        name: statistics.median(
            b / t for b, t in zip(seconds[base], times, strict=True)
        )
        for name, times in seconds.items()
    }


def print_table(seconds, base, work, unit):
    """Prints a line a way: median speed and the ratio to the base.

    Args:
        seconds: what `measure` returned.
        base: name of the way that is 1.
        work: dict, name -> how many units a way does in one round.
        unit: name of the units, such as "questions".
    """
    width = max(map(len, seconds))
    speed = f"{unit} a second"
    print(f"{'':{width}}  {speed:>20}  {'ratio':>6}")
    for name, ratio in ratios(seconds, base).items():
        value = work[name] / statistics.median(seconds[name])
        ratio *= work[name] / work[base]
        print(f"{name:{width}}  {value:20,.0f}  {ratio:6.2f}")
