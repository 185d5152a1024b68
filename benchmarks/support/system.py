"""Kills processes and fills disks, for the benchmark of faults."""

import contextlib
import os
import pathlib
import signal
import subprocess


def kill(process):
    """Kills a run and all processes that it started; a run is a session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def descendants(pid, word):
    """Process ids below `pid` whose command line has a word (Linux)."""
    parents, named = {}, set()
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (path / "stat").read_text().rpartition(")")[2].split()
            parents[int(path.name)] = int(fields[1])
            words = (path / "cmdline").read_text().split("\0")
            if word in words:  # not the shell that starts it
                named.add(int(path.name))
    below = {pid}
    while True:
        more = {child for child, parent in parents.items() if parent in below}
        if more <= below:
            return sorted((below - {pid}) & named)
        below |= more


def mount(path, size, stack):
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path]
    if subprocess.run(command, capture_output=True).returncode:
        return False
    stack.callback(subprocess.run, ["umount", path], check=False)
    return True


def remount(path, size):
    options = f"remount,size={size}"
    subprocess.run(["mount", "-o", options, path], check=True)
