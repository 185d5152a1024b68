"""The argument of commands, and the check of a flag that some share."""

import pathlib

from vqa_keras.errors import UserError


def one_argument(argv, name, needed):
    """Returns the only argument of a command.

    Args:
        argv: list of str, the command line without its flags.
        name: the argument in the command's manual, such as "RUN".
        needed: what the argument must be, for the message.

    Raises:
        UserError: if there is none, or more than one.
    """
    if len(argv) != 2:
        command = pathlib.Path(argv[0]).stem
        received = " ".join(argv[1:]) or "nothing"
        raise UserError(
            f"The argument must be {needed}: "
            f"python -m vqa_keras.zoo.{command} {name}. Received: {received}"
        )
    return argv[1]


def one_run(argv):
    """Returns the run, a command's only argument: a folder or a name."""
    return one_argument(
        argv, "RUN", "the folder of one run or one shipped preset"
    )


def check_threshold(value):
    """Returns the value of --threshold.

    Raises:
        UserError: if it is not a number from 0 to 1; NaN is none.
    """
    if not 0 <= value <= 1:
        raise UserError(
            f"--threshold must be a number from 0 to 1. Received: {value:g}"
        )
    return value
