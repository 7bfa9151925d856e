"""What is wrong with a library, a case or a file that `rootline cases` was given."""

from agents.errors import RootlineError


class CasesError(RootlineError):
    """A library cannot be read or written, or nothing in it is what was asked for."""
