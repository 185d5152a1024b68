"""Parses the flags that are not this command's as Apache Beam options."""

import contextlib
import difflib
import io

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.options.pipeline_options import StandardOptions
from apache_beam.options.pipeline_options import WorkerOptions

from vqa_keras.errors import UserError

# DirectRunner tries to download another engine first; this one never does.
DEFAULT_RUNNER = "FnApiRunner"


def beam_options(arguments, known=()):
    """Returns the `PipelineOptions` of a command line.

    Unknown flags, which Beam ignores silently, raise an error.

    Args:
        arguments: list of str, the command line without our own flags.
        known: iterable of str, names of our own flags, suggested for misspelt
            ones. Defaults to none.

    Returns:
        Beam's `PipelineOptions`.

    Raises:
        UserError: if a flag is unknown to Beam, or its value is invalid.
    """
    parsers = []
    with _errors_of_argparse():
        options = PipelineOptions(arguments)
        options.get_all_options(add_extra_args_fn=parsers.append)
        _, unknown = parsers[0].parse_known_args(arguments)
    if unknown:
        theirs = parsers[0]._option_string_actions
        names = [*theirs, *(f"--{name}" for name in known)]
        given = unknown[0].split("=")[0]
        close = difflib.get_close_matches(given, names, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise UserError(
            "Flags must be this command's or options of Apache Beam. Received: "
            f"{' '.join(unknown)}.{hint} Pass --help to see all flags."
        )
    standard = options.view_as(StandardOptions)
    standard.runner = standard.runner or DEFAULT_RUNNER
    worker = options.view_as(WorkerOptions)
    worker.default_sdk_harness_log_level = (
        worker.default_sdk_harness_log_level or "ERROR"
    )
    return options


@contextlib.contextmanager
def _errors_of_argparse():
    stream = io.StringIO()
    try:
        with contextlib.redirect_stderr(stream):
            yield
    except SystemExit as error:
        lines = stream.getvalue().strip().splitlines() or ["unknown"]
        message = lines[-1].partition("error: ")[2] or lines[-1]
        raise UserError(
            f"Options of Apache Beam must be valid. Received: {message}"
        ) from error
