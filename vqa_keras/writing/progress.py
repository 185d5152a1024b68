"""Shows how far other threads or processes are."""

import sys
import threading
import time


class Progress:
    """Prints a line with images done, images a second and the time left.

    On a terminal one line is renewed every second; elsewhere, as in a log, a
    line is printed every 10 seconds.

    ```python
    with Progress(total=5000, done=count_files):
        work()
    ```

    Args:
        total: int, all images.
        done: function without arguments, the images done so far.
        stream: where the line goes. Defaults to stderr.
        interval: seconds between lines.
    """

    def __init__(self, total, done, stream=None, interval=None):
        self.total = total
        self.done = done
        self.stream = stream or sys.stderr
        self.terminal = self.stream.isatty()
        self.interval = interval or (1 if self.terminal else 10)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._start = time.monotonic()
        self._before = None
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._stop.set()
        self._thread.join()
        self._print("\n" if self.terminal else "")

    def _run(self):
        while not self._stop.wait(self.interval):
            self._print()

    def _print(self, end=""):
        done = min(self.done(), self.total)
        now = time.monotonic()
        if self._before is None and done:
            # What was there at first sight may be an earlier run's.
            self._before = (done, now)
        text = f"{done} / {self.total} images"
        elapsed = now - self._start
        if done:
            rate = self._rate(done, now, elapsed)
            text += f", {rate:.0f} images/s, {_clock(elapsed)} elapsed"
            if done < self.total:
                left = (self.total - done) / rate
                text += f", {_clock(left)} left"
        line = f"\r{text:<78}" if self.terminal else f"{text}\n"
        self.stream.write(line + end)
        self.stream.flush()

    def _rate(self, done, now, elapsed):
        first, then = self._before
        if done > first and now > then:
            return (done - first) / (now - then)
        return done / max(elapsed, 1e-3)


def _clock(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
