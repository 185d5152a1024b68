"""Kills processes and limits disks, for the benchmark of faults."""

import contextlib
import os
import pathlib
import signal
import subprocess


def kill(process):
    """Kills the leader of a session and all its processes."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def descendants(pid, word):
    """Returns ids of descendants of `pid` with a word in their command line.

    Works on Linux.
    """
    parents, matching = {}, set()
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (path / "stat").read_text().rpartition(")")[2].split()
            parents[int(path.name)] = int(fields[1])
            words = (path / "cmdline").read_text().split("\0")
            if word in words:  # not the shell that starts it
                matching.add(int(path.name))
    below = {pid}
    while True:
        more = {child for child, parent in parents.items() if parent in below}
        if more <= below:
            return sorted((below - {pid}) & matching)
        below |= more


def mount(path, size, stack):
    """Mounts a tmpfs until `stack` closes; returns whether it is allowed."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path]
    if subprocess.run(command, capture_output=True).returncode:
        return False
    stack.callback(subprocess.run, ["umount", path], check=False)
    return True


def unmount_below(folder):
    """Unmounts what a killed benchmark has left mounted below a folder."""
    with contextlib.suppress(OSError):
        for line in pathlib.Path("/proc/mounts").read_text().splitlines():
            path = line.split(" ")[1]
            if pathlib.Path(folder) in pathlib.Path(path).parents:
                subprocess.run(["umount", path], check=False)


def remount(path, size):
    """Changes the size of a mounted tmpfs."""
    options = f"remount,size={size}"
    subprocess.run(["mount", "-o", options, path], check=True)
