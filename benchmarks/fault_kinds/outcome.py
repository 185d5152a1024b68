"""What a fault can lead to, and how that is judged."""

from typing import Any
from typing import NamedTuple

REFUSED = "refused with a reason"
EQUAL = "equal"
SILENT = "silently different"
TRACEBACK = "traceback"
LOST = "lost"
OUTCOMES = (REFUSED, EQUAL, SILENT, TRACEBACK, LOST)
MUST_BE_ZERO = (SILENT, TRACEBACK, LOST)


class Outcome(NamedTuple):
    """The outcome of one case.

    Args:
        outcome: str of `OUTCOMES`.
        what: str, the file or command and what was done to it.
        remark: str, the message, the exception or the difference.
        tried: int, number of faults of the case.
    """

    outcome: str
    what: str
    remark: str = ""
    tried: int = 1


def judge(what, function, expected, refusals=(ValueError,)):
    """Returns the `Outcome` of a function in this process.

    Args:
        what: str of the `Outcome`.
        function: function without arguments.
        expected: what it returns undisturbed.
        refusals: exceptions that are refusals, if they have a message.
    """
    try:
        found = function()
    except refusals as error:
        if str(error).strip():
            message = f"{type(error).__name__}: {error}"
            return Outcome(REFUSED, what, message[:300])
        return Outcome(TRACEBACK, what, f"no message: {error!r}")
    except BaseException as error:
        message = f"{type(error).__name__}: {error}"
        return Outcome(TRACEBACK, what, message[:300])
    different = difference(found, expected)
    if different:
        return Outcome(SILENT, what, different)
    return Outcome(EQUAL, what)


def judge_ended(what, ended):
    """Returns the `Outcome` of a command, or None if its status was 0."""
    if ended.status == 0 and "Traceback" not in ended.stderr:
        return None
    lines = ended.stderr.strip().splitlines() or [""]
    if (
        ended.status == 2
        and "Traceback" not in ended.stderr
        and any(line.startswith("error: ") for line in lines)
        and len(lines) <= 3  # a message may end with a hint
    ):
        return Outcome(REFUSED, what, " / ".join(lines)[:300])
    status = "hung" if ended.status is None else f"status {ended.status}"
    return Outcome(TRACEBACK, what, f"{status}: {' / '.join(lines)[-300:]}")


def difference(found: Any, expected: Any, path: str = "") -> str:
    """Returns where two values of dicts, lists and scalars differ, or ""."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for name in [*expected, *(n for n in found if n not in expected)]:
            if name not in found or name not in expected:
                return f"{path}/{name} only in one"
            inner = difference(found[name], expected[name], f"{path}/{name}")
            if inner:
                return inner
        return ""
    if found == expected or (found != found and expected != expected):
        return ""
    return f"{path}: {str(found)[:80]!r}, not {str(expected)[:80]!r}"
