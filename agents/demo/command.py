"""`rootline demo`: the main job end to end, on this machine, with nothing prepared."""

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

import click
import orjson
from rich.console import Console

from agents.demo.performance import DemoOptions, Performance
from agents.options import json_option


@click.command()
@click.option("--fault", default="pool_exhaustion", show_default=True, help="What goes wrong.")
@click.option("--seed", type=int, default=1, show_default=True, help="Draws all that is drawn.")
@click.option("--speed", type=float, default=14.0, show_default=True, help="Event time / clock.")
@click.option("--keep", is_flag=True, help="Leave everything running until Ctrl-C.")
@click.option("--plain", is_flag=True, help="Plain lines instead of a live view.")
@click.option("--svg", type=click.Path(path_type=Path), help="Save the last screen as a picture.")
@json_option
def demo(  # noqa: PLR0913 - click passes each option as a parameter of its own
    *,
    fault: str,
    seed: int,
    speed: float,
    keep: bool,
    plain: bool,
    svg: Path | None,
    as_json: bool,
) -> None:
    """Play an alert storm through broker, gateway, worker and chat; exit 0 if it came out right."""
    if not 0.1 <= speed <= 200:
        msg = f"--speed is {speed}, expected a number from 0.1 to 200"
        raise click.BadParameter(msg)
    console = Console(stderr=as_json, record=svg is not None)
    folder = Path(tempfile.mkdtemp(prefix="rootline-demo-"))
    options = DemoOptions(
        fault=fault,
        seed=seed,
        speed=speed,
        keep=keep,
        live=console.is_terminal and not plain and not as_json,
    )
    performance = Performance(options, folder=folder, console=console)
    try:
        result = asyncio.run(performance.run())
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
        sys.exit(130)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if svg is not None:
        svg.write_text(console.export_svg(title="rootline demo"))
    if as_json:
        click.echo(orjson.dumps(result, option=orjson.OPT_INDENT_2))
    sys.exit(0 if not result["problems"] else 1)
