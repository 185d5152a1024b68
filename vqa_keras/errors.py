"""The error of a user's mistake, which commands print without a traceback."""


class UserError(ValueError):
    """What was given cannot be used: the message says what was needed.

    Raised for mistakes in files, flags and data, as opposed to mistakes in
    code. Commands print the message and end with status 2.
    """
