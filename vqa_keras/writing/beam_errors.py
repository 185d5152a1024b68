"""Unwraps the errors of Beam's workers."""

import contextlib
import re
from collections.abc import Iterator

from vqa_keras.errors import UserError


@contextlib.contextmanager
def user_errors() -> Iterator[None]:
    """Raises the `UserError` of a worker again, without Beam's frames.

    Beam passes an error of a worker on as text, inside an error of its own.
    An OSError of a worker is raised as a `UserError` too.
    """
    try:
        yield
    except Exception as error:
        message = _worker_message(error)
        if message is None:
            raise
        raise UserError(message) from error


def _worker_message(error: Exception) -> str | None:
    text = str(error)
    if isinstance(error, UserError):  # of a worker in this process
        return re.sub(r" \[while running .*", "", text)
    found = re.search(r"UserError: (.+)", text)
    if found:
        # Beam appends the step of the pipeline to the message.
        return re.sub(r" \[while running .*", "", found.group(1))
    found = re.search(r"OSError: (\[Errno \d+\] .+)", text)
    if found or isinstance(error, OSError):
        reason = found.group(1) if found else text
        return (
            f"All files must be readable and writable. Received: {reason}. "
            "Correct this and run the same command again; finished shards are "
            "kept"
        )
    return None
