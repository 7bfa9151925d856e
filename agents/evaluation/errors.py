"""What the person who evaluates must fix."""

from agents.errors import RootlineError


class EvaluationError(RootlineError):
    """The command line asks for an evaluation that cannot be, or that would mean nothing."""
