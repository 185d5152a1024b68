"""What the kinds of fault share whose cases are commands, in turn."""

from fault_kinds.commands import COMMANDS


class CommandCases:
    """Base class of a kind; a subclass has `name` and `run(number)`.

    Args:
        workspace: `Workspace`.
    """

    timeout = 3600

    def __init__(self, workspace):
        self.workspace = workspace

    def computes(self, number):
        """Whether `run` computes: it starts commands."""
        return False

    def describe(self, number):
        """Returns the command of a case."""
        return self.command(number).name

    def command(self, number):
        """Returns the `Command` of a case."""
        return COMMANDS[number % len(COMMANDS)]
