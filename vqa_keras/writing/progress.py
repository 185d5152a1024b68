"""Shows the progress of other threads or processes."""

import sys
import threading
import time
from collections.abc import Callable
from typing import TextIO


class Progress:
    """Prints what is done, how much of it per second, and the time left.

    A terminal shows one line, updated every second; other streams, such as
    logs, get a line every 10 seconds.

    ```python
    with Progress(total=5000, done=count_files):
        work()
    ```

    The speed, and with it the time left, is that of the units done since the
    start.

    Args:
        total: int, number of units, such as images.
        done: function without arguments that returns the number of units
            done.
        before: function without arguments that returns how many of them were
            done before the start, by an earlier process. Defaults to none.
        stream: text stream. Defaults to `sys.stderr`.
        interval: float, seconds between lines. Defaults to 1 on a terminal and
            10 elsewhere.
        unit: str, their name. Defaults to "images".
    """

    def __init__(
        self,
        total: int,
        done: Callable[[], int],
        before: Callable[[], int] = lambda: 0,
        stream: TextIO | None = None,
        interval: float | None = None,
        unit: str = "images",
    ):
        self.total = total
        self.done = done
        self.before = before
        self.unit = unit
        self.stream = stream or sys.stderr
        self.terminal = self.stream.isatty()
        self.interval = interval or (1 if self.terminal else 10)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._start = 0.0
        # Units and time of the first report with a unit: the work may have
        # begun late.
        self._first: tuple[int, float] | None = None

    def __enter__(self) -> "Progress":
        self._start = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()
        self._print("\n" if self.terminal else "")

    def _run(self) -> None:
        while not self._stop.wait(self.interval):
            self._print()

    def _print(self, end: str = "") -> None:
        done = min(self.done(), self.total)
        # Read after `done`: a unit in `before` alone is none of this process.
        new = max(0, done - self.before())
        now = time.monotonic()
        if self._first is None and new:
            self._first = (new, now)
        text = f"{done} / {self.total} {self.unit}"
        elapsed = now - self._start
        rate = self._rate(new, now, elapsed)
        if rate:
            text += f", {rate:.{0 if rate >= 10 else 1}f} {self.unit}/s"
        if done:
            text += f", {_clock(elapsed)} elapsed"
        if rate and done < self.total:
            text += f", {_clock((self.total - done) / rate)} left"
        line = f"\r{text:<78}" if self.terminal else f"{text}\n"
        self.stream.write(line + end)
        self.stream.flush()

    def _rate(self, new: int, now: float, elapsed: float) -> float:
        first, then = self._first or (new, now)
        if new > first and now > then:
            return (new - first) / (now - then)
        return new / max(elapsed, 1e-3)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
