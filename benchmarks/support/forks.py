"""Runs commands and functions in forks of this process, for the faults.

A command of its own imports TensorFlow for eight seconds; a fork of a process
that has imported it, and has computed nothing, starts at once. TensorFlow's
threads, which a fork would lack, start with its first operation: a process that
starts forks must never compute.
"""

import contextlib
import ctypes
import os
import pathlib
import re
import resource
import runpy
import signal
import sys
import time
import traceback
from typing import NamedTuple

from absl import flags

TIMEOUT = 600  # seconds until a fork counts as hanging
_NOISE = re.compile(
    r"^[IWE]\d{4} |before absl::InitializeLog|^\s*$"
    r"| (images|questions), |^\d+ of \d+|per second"
)


class Ended(NamedTuple):
    """How a command ended.

    Args:
        status: int, negative for a signal; None if it hung and was killed.
        stdout: str.
        stderr: str, without progress and TensorFlow's own lines.
    """

    status: int | None
    stdout: str
    stderr: str


class Fork:
    """A process that runs a function, leader of a session of its own.

    Args:
        function: function without arguments, whose `SystemExit` is the status.
        folder: `pathlib.Path` of an existing folder for its output.
        limits: dict of `resource` limits, such as `{RLIMIT_FSIZE: 1000}`.
    """

    def __init__(self, function, folder, limits=None):
        self.folder = folder
        self.started = time.monotonic()
        self._status = None
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            _run(function, folder, limits or {})

    def wait(self, timeout=TIMEOUT):
        """Waits for the end; returns whether it came in time."""
        deadline = time.monotonic() + timeout
        while self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.005)
        return True

    def kill(self):
        """Kills the process and all of its session with SIGKILL."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()

    def ended(self, timeout=TIMEOUT):
        """Returns `Ended`; kills a process that hangs."""
        in_time = self.wait(timeout)
        if not in_time:
            self.kill()
        text = (self.folder / "stderr.txt").read_text(errors="replace")
        text = text.replace("\r", "\n")
        lines = [line for line in text.splitlines() if not _NOISE.search(line)]
        stdout = (self.folder / "stdout.txt").read_text(errors="replace")
        status = self._status if in_time else None
        return Ended(status, stdout, "\n".join(lines))


def command(module, *arguments):
    """Returns a function that runs a module as `python -m` does."""

    def function():
        _forget_flags()
        sys.argv = [module, *map(str, arguments)]
        runpy.run_module(module, run_name="__main__", alter_sys=True)

    return function


def _forget_flags():
    # Those of the benchmark, whose names the commands use, too.
    for flag in flags.FLAGS.get_flags_for_module(sys.argv[0]):
        with contextlib.suppress(AttributeError):
            delattr(flags.FLAGS, flag.name)


def _die_with_parent():
    # In a session of its own, a fork would outlive a benchmark that is killed.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _run(function, folder, limits):
    status = 1
    try:
        os.setsid()
        _die_with_parent()
        for name, descriptor in (("stdout.txt", 1), ("stderr.txt", 2)):
            file = os.open(
                pathlib.Path(folder) / name,
                os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
            )
            os.dup2(file, descriptor)
            os.close(file)
        for name, limit in limits.items():
            resource.setrlimit(name, (limit, limit))
            if name == resource.RLIMIT_FSIZE:  # EFBIG in place of a signal
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        function()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)
