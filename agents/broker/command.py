"""The `broker` command: runs the embedded broker until it is interrupted or terminated."""

import asyncio
import json
import logging
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from agents.broker.config import BrokerConfig
from agents.broker.server import EmbeddedBroker
from agents.options import json_option, settings_option
from agents.settings import Settings


@click.command()
@settings_option
@click.option("--host", help="Address to listen on; overrides broker.host.")
@click.option("--port", type=int, help="Port; 0 takes any free one; overrides broker.port.")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for topics and offsets, kept between runs; overrides broker.data_dir.",
)
@click.option(
    "--fsync/--no-fsync",
    default=None,
    help="Flush every write to the disk before acknowledging it; overrides broker.fsync.",
)
@click.option(
    "--allow-remote",
    is_flag=True,
    default=None,
    help="Permit an address that other machines can reach.",
)
@json_option
def broker(settings: Settings, *, as_json: bool, **chosen: Any) -> None:
    """Run a small Kafka-protocol broker for demos and tests on this machine.

    It keeps what it acknowledged across a kill, but has no authentication, no replication and no
    transactions: for production run Apache Kafka.
    """
    given = {name: value for name, value in chosen.items() if value is not None}
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    try:
        asyncio.run(_run(replace(settings.broker, **given), as_json=as_json))
    except (ValueError, RuntimeError, OSError) as error:
        raise click.ClickException(str(error)) from error


async def _run(config: BrokerConfig, *, as_json: bool) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    embedded = EmbeddedBroker(config)
    await embedded.start()
    if as_json:
        row = {"bootstrap": embedded.bootstrap, "data_dir": str(config.data_dir)}
        click.echo(json.dumps(row))
    else:
        click.echo(f"ready on {embedded.bootstrap}, data in {config.data_dir}")
    await stopping.wait()
    await embedded.stop()
