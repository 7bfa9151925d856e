"""Options that the subcommands of `rootline cases` share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

library_option = click.option(
    "--library",
    "folder",
    type=click.Path(path_type=Path),
    help="Folder of your own cases; else cases.library_dir.",
)

own_option = click.option(
    "--own", is_flag=True, help="Only your own cases, without those that ship."
)
