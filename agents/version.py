"""The version of the installed distribution, for `--version`, logs and the build_info metric."""

from importlib.metadata import PackageNotFoundError, version


def installed_version() -> str:
    """Name the installed version, or "unknown" when run from a folder that was not installed.

    >>> installed_version() != ""
    True
    """
    try:
        return version("rootline")
    except PackageNotFoundError:
        return "unknown"
