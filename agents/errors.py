"""What the person who runs Rootline must fix; the command line prints it as one sentence."""


class RootlineError(Exception):
    """Base of the errors that end a command with one sentence on stderr and exit code 2."""


class SettingsError(RootlineError):
    """A key of the configuration is unknown, of the wrong type, or contradicts another."""
