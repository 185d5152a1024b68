"""Runs a command; invalid user input ends it with one line and status 2."""

import errno
import logging
import os
import sys

from absl import app
from absl import flags
from absl import logging as absl_logging

from vqa_keras.errors import UserError


def run(main, keep_unknown=False):
    """Parses the flags and calls `main(argv)`, as `absl.app.run` does.

    Prints a misspelt or missing flag, any `UserError` and a full disk to stderr
    without a traceback and exits with status 2. Other exceptions are bugs and
    keep their traceback. `--help` prints the docstring and the flags of the
    main module, `--helpfull` those of all modules; both exit with status 0.

    Args:
        main: function of `argv`, the list of the program's name and the
            arguments that are not flags.
        keep_unknown: bool. Whether undefined flags are left in `argv` for
            `main` to check; otherwise they are an error. Defaults to `False`.

    Raises:
        SystemExit: always, with the status of the command.

    Example:
    ```python
    if __name__ == "__main__":
        vqa_keras.command.run(main)
    ```
    """

    def parse(argv):
        try:
            return flags.FLAGS(argv, known_only=keep_unknown)
        except SystemExit:  # absl's help ends with status 1
            sys.exit(0)
        except flags.Error as error:
            _fail(f"{error}\nPass --help to see all flags.")

    def guarded(argv):
        # The progress messages of libraries are not the command's output.
        absl_logging.set_verbosity(absl_logging.WARNING)
        logging.getLogger("tensorflow").setLevel(logging.WARNING)
        try:
            main(argv)
        except UserError as error:
            _fail(error)
        except Exception as error:
            # h5py and TensorFlow have errors of their own for a full disk.
            if os.strerror(errno.ENOSPC) not in str(error):
                raise
            _fail(
                f"The disk is full: {error}\nIncomplete files are never read: "
                "free some space and run the same command again."
            )

    app.run(guarded, flags_parser=parse)


def _fail(message):
    # Names and contents of damaged files may hold anything, such as commands
    # for a terminal.
    text = "".join(
        char
        if char.isprintable() or char in "\n\t"
        else char.encode("unicode_escape").decode()
        for char in str(message)
    )
    print(f"error: {text}", file=sys.stderr)
    sys.exit(2)
