"""What stops an import: a source that is not the set, or a destination that is not ours."""

from agents.errors import RootlineError


class LayoutError(RootlineError):
    """The source folder has not the layout of the set that was named."""


class DestinationError(RootlineError):
    """A folder to be written holds something else than a recording of the same case."""
