import os
import pathlib
import subprocess
import sys
import threading

from pipelines.dead_worker import ends_if_a_worker_dies

ROOT = pathlib.Path(__file__).parents[2]
WAITS_FOREVER = """
import threading
from pipelines.dead_worker import ends_if_a_worker_dies

def watch():
    raise RuntimeError("Worker subprocess exited with return code 137")

with ends_if_a_worker_dies(seconds=0.1):
    threading.Thread(name="run_worker", target=watch).start()
    threading.Event().wait(60)
"""


def fail():
    raise RuntimeError("return code 1")


def run(name):
    thread = threading.Thread(name=name, target=fail)
    thread.start()
    thread.join()


def test_a_command_whose_worker_died_ends():
    done = subprocess.run(
        [sys.executable, "-c", WAITS_FOREVER],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 2
    assert "a worker process died: Worker subprocess" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_pipeline_that_fails_in_time_is_not_ended():
    with ends_if_a_worker_dies(seconds=30):
        run("run_worker")  # It ends before the time is over.
    timers = [t for t in threading.enumerate() if hasattr(t, "interval")]
    assert all(timer.finished.is_set() for timer in timers)


def test_errors_of_other_threads_are_passed_on(monkeypatch):
    passed = []
    monkeypatch.setattr(threading, "excepthook", passed.append)
    with ends_if_a_worker_dies():
        run("another")
    assert str(passed[0].exc_value) == "return code 1"
