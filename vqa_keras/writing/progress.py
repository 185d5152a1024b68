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

    Args:
        total: int, number of units, such as images.
        done: function without arguments that returns the number of units
            done.
        stream: text stream. Defaults to `sys.stderr`.
        interval: float, seconds between lines. Defaults to 1 on a terminal and
            10 elsewhere.
        unit: str, their name. Defaults to "images".
    """

    def __init__(
        self,
        total: int,
        done: Callable[[], int],
        stream: TextIO | None = None,
        interval: float | None = None,
        unit: str = "images",
    ):
        self.total = total
        self.done = done
        self.unit = unit
        self.stream = stream or sys.stderr
        self.terminal = self.stream.isatty()
        self.interval = interval or (1 if self.terminal else 10)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._start = 0.0
        # Units and time of the first report: an earlier run may have done
        # some of the units.
        self._before: tuple[int, float] | None = None

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
        now = time.monotonic()
        if self._before is None and done:
            self._before = (done, now)
        text = f"{done} / {self.total} {self.unit}"
        elapsed = now - self._start
        if done:
            rate = self._rate(done, now, elapsed)
            text += f", {rate:.0f} {self.unit}/s, {_clock(elapsed)} elapsed"
            if done < self.total:
                left = (self.total - done) / rate
                text += f", {_clock(left)} left"
        line = f"\r{text:<78}" if self.terminal else f"{text}\n"
        self.stream.write(line + end)
        self.stream.flush()

    def _rate(self, done: int, now: float, elapsed: float) -> float:
        first, then = self._before or (done, now)
        if done > first and now > then:
            return (done - first) / (now - then)
        return done / max(elapsed, 1e-3)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
