"""Ends a command whose worker process died, for which Beam waits forever."""

import contextlib
import os
import sys
import threading

_THREAD = "run_worker"  # Beam's name of the thread that waits for a worker


@contextlib.contextmanager
def ends_if_a_worker_dies(seconds=5):
    """Ends this process with status 2 if a worker process of Beam dies.

    With --direct_running_mode=multi_processing, a worker that is killed (by the
    system, if memory is short) raises an exception in a thread of Beam, which
    then waits for the worker forever. That wait cannot be stopped from outside,
    so the process exits as if it were killed itself. Finished shards are kept,
    and the same command resumes from them.

    Args:
        seconds: float, delay before the exit, in which a pipeline that fails
            for another reason reports its own error. Defaults to 5.
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
        f"\nerror: a worker process died: {error}. It was killed or ran out of "
        "memory. Finished shards are kept: run the same command again, with a "
        "smaller --direct_num_workers if memory is short",
        file=sys.stderr,
        flush=True,
    )
    os._exit(2)
