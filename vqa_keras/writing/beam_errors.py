"""Errors of Beam's workers, as users read them."""

import contextlib
import re
from collections.abc import Iterator

from vqa_keras.errors import UserError


@contextlib.contextmanager
def user_errors() -> Iterator[None]:
    """Raises the `UserError` of a worker anew, without Beam's frames.

    Beam passes errors of workers on as text, wrapped in its own; an error of
    the disk is a user's error too.
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
        # The words after the message name the step of the pipeline.
        return re.sub(r" \[while running .*", "", found.group(1))
    found = re.search(r"OSError: (\[Errno \d+\] .+)", text)
    if found or isinstance(error, OSError):
        reason = found.group(1) if found else text
        return (
            f"A file cannot be written or read: {reason}. Mend it and run the "
            "same command again: what is finished is kept"
        )
    return None
