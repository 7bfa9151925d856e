"""Command-line options that several subcommands share."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from agents.settings import Settings, load_settings

F = TypeVar("F", bound=Callable[..., Any])


def _load(ctx: click.Context, parameter: click.Parameter, value: Path | None) -> Settings:
    del ctx, parameter
    return load_settings(value, os.environ)


def settings_option(command: F) -> F:
    """Add `--config FILE` and pass what it and the environment say as `settings`."""
    return click.option(
        "--config",
        "settings",
        type=click.Path(dir_okay=False, path_type=Path),
        callback=_load,
        help="TOML file; else ROOTLINE_CONFIG, else ./rootline.toml where there is one.",
    )(command)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
