"""Ends a command whose worker process died; Beam would wait for it forever."""

import contextlib
import os
import sys
import threading

_THREAD = "run_worker"  # Beam's name of the thread that waits for a worker


@contextlib.contextmanager
def ends_if_a_worker_dies(seconds=5):
    """Ends this process with status 2 if a process of Beam's workers dies.

    With --direct_running_mode=multi_processing Beam notices in a thread, which
    ends with an exception, that a worker was killed (by the system, where
    memory is short), and goes on waiting for its answer. There is no way to
    stop that wait from outside, so the process ends as if it were killed
    itself; what is finished is kept, and the same command goes on.

    Args:
        seconds: float, how long a pipeline that fails for another reason has
            to say so: its workers may end with an error too.
    """
    before = threading.excepthook
    timers = []

    def hook(args):
        if args.thread is None or args.thread.name != _THREAD:
            before(args)
            return
        timer = threading.Timer(seconds, _end, (args.exc_value,))
        timer.daemon = True
        timers.append(timer)
        timer.start()

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = before
        for timer in timers:
            timer.cancel()


def _end(error):
    print(
        f"\nerror: a worker process died: {error}. It was killed or had too "
        "little memory. What is finished is kept: give the same command again, "
        "if need be with a smaller --direct_num_workers",
        file=sys.stderr,
        flush=True,
    )
    os._exit(2)
