"""Runs a command line: a user's mistake ends in one line and status 2."""

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

    A misspelt or missing flag, every `UserError` and a full disk are printed to
    stderr without a traceback, and the process ends with status 2. Other
    exceptions are bugs and keep their traceback. `--help` prints the docstring
    and the flags of the main module, `--helpfull` those of all modules; both
    end with status 0.

    Args:
        main: function of `argv`, the command line without its flags.
        keep_unknown: bool. Whether flags that are not defined are left in
            `argv` for `main` to judge, instead of being an error.
    """

    def parse(argv):
        try:
            return flags.FLAGS(argv, known_only=keep_unknown)
        except SystemExit:  # absl's help ends with status 1
            sys.exit(0)
        except flags.Error as error:
            _fail(f"{error}\nPass --help to see all flags.")

    def guarded(argv):
        # What libraries say of their work is not the command's answer.
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
                f"The disk is full: {error}\nNothing half-written is read: "
                "make room and give the same command again."
            )

    app.run(guarded, flags_parser=parse)


def _fail(message):
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)
